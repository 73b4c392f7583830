"""What MLflow loads of a registered version: photos in, faces out. MLflow keeps a copy of this file
with the version, beside a copy of the parts of `fkd` that it needs."""

import base64
import binascii
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

COLUMN = "image"
DATA_URL = "data:"


class PhotoModel(PythonModel):
    """The 68 points of the faces in photos."""

    def load_context(self, context: Any) -> None:
        """Open the network, which is an artifact of the version."""
        from fkd import Predictor

        self._predictor = Predictor(context.artifacts["network"], detector="neural")

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """A row for each photo in the column `image`: width and height, and its faces as `fkd infer
        --json` gives them, points in photo pixels. A photo is the bytes of a picture file, these in
        base64, or uint8 (H, W) grey or (H, W, 3) BGR, as an array or as lists. Of one that is none
        of this, `error` says why, and the others are answered."""
        if COLUMN not in model_input:
            raise ValueError(f"a column {COLUMN!r} is expected, not {list(model_input)}")
        return [self._row(photo) for photo in model_input[COLUMN]]

    def _row(self, photo: Any) -> dict[str, Any]:
        from fkd.io.images import ImageError

        try:
            pixels = _pixels(photo)
            faces = [face.to_dict() for face in self._predictor(pixels)]
        except (ImageError, ValueError) as error:
            return {"width": None, "height": None, "faces": [], "error": str(error)}
        height, width = pixels.shape[:2]
        return {"width": width, "height": height, "faces": faces, "error": None}


def _pixels(photo: Any) -> np.ndarray:
    """A photo of any kind as uint8 (H, W) or (H, W, 3). Raises ImageError, ValueError."""
    from fkd.io.images import decode_image

    if isinstance(photo, str):
        text = photo.partition(",")[2] if photo.startswith(DATA_URL) else photo
        try:
            photo = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("image: the text is not base64") from None
    if isinstance(photo, bytes | bytearray | memoryview):
        return decode_image(bytes(photo), "image")
    try:
        array = np.asarray(photo)
    except ValueError:
        raise ValueError("image: the rows of the array are not of one length") from None
    if array.dtype.kind not in "iu" or not array.size or array.min() < 0 or array.max() > 255:
        raise ValueError("image: bytes, base64, or whole numbers from 0 to 255 are expected")
    return array.astype(np.uint8)


set_model(PhotoModel())
