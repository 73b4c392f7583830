"""Photo in, faces out: the Python interface."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fkd.detection.registry import DETECTORS
from fkd.geometry import Box, Image
from fkd.geometry.crop import to_grey
from fkd.inference.face import Face
from fkd.inference.pipeline import Pipeline
from fkd.inference.timing import StepTimer
from fkd.models.session import BACKENDS, open_model
from fkd.models.zoo import find_model

NO_DETECTOR = "none"
STEPS = ("detect", "crop", "points")


class LicenceWarning(UserWarning):
    """The weights of a model that was opened have another licence than the code."""


@dataclass(frozen=True)
class Analysis:
    """faces: of a photo. milliseconds: of each step, by "detect", "crop", "points".
    detections_skipped: how many of the detector's boxes, those with the fewest neighbours, were not
    examined because a photo has more than `MAX_DETECTIONS` (`fkd.inference.pipeline`)."""

    faces: list[Face]
    milliseconds: dict[str, float]
    detections_skipped: int = 0


class Predictor:
    """Finds faces and their 68 points. One may be called from several threads at once.

    model: a packaged model's name, or the path of an .onnx file (or .pt for the torch backend); by
    default `base`. backend: "onnx" or "torch". detector: "haar", or "none" when each
    photo is one face that fills it. threads: of network and detector, 0 for the libraries' own
    choice. min_face: smallest face that is searched for, pixels; by default 5.5 % of the photo's
    longer side, and none much smaller than a confident detection (`find_faces`). min_score: lowest
    score of a detected face, 0..1; by default the model's own threshold.
    Raises ModelError when the model cannot be used, ValueError for an unknown choice. Warns
    (LicenceWarning) when the licence of the weights is not that of the code.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        backend: str = "onnx",
        detector: str = "haar",
        threads: int = 0,
        min_face: int | None = None,
        min_score: float | None = None,
    ) -> None:
        _check_choice("backend", backend, BACKENDS)
        _check_choice("detector", detector, [*DETECTORS, NO_DETECTOR])
        if threads:
            cv2.setNumThreads(threads)
        opened, self.info = open_model(find_model(model), backend, threads)
        if self.info.licence_notice:
            warnings.warn(f"{model}: {self.info.licence_notice}", LicenceWarning, stacklevel=2)
        self.detector = detector
        self.min_score = self.info.min_score if min_score is None else min_score
        self.pipeline = Pipeline(
            model=opened,
            crop=self.info.crop,
            detector=DETECTORS.get(detector, DETECTORS["haar"]),
            min_face=min_face,
            min_score=self.min_score,
        )

    def __call__(self, image: Image, boxes: Sequence[Box] | None = None) -> list[Face]:
        """The faces of a photo, highest score first; or one face for each given box, in their order
        and whatever their score.

        image: uint8, (H, W) grey or (H, W, 3) BGR. boxes: (x, y, width, height) in photo pixels,
        in the convention of `fkd.geometry.boxes.reference_box`. Raises ValueError for another kind
        of image or an empty box, ModelError when the model answers no 68 finite points.
        """
        return self.analyse(image, boxes).faces

    def analyse(
        self, image: Image, boxes: Sequence[Box] | None = None, timer: StepTimer | None = None
    ) -> Analysis:
        """As calling, with the time each step took, added to a timer's where one is given."""
        timer, skipped = timer or StepTimer(*STEPS), 0
        grey = to_grey(_checked(image))
        if boxes is not None:
            given = [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]
            faces = self.pipeline.predict(grey, given, timer)
        elif self.detector == NO_DETECTOR:
            whole = (0, 0, grey.shape[1], grey.shape[0])
            faces = self.pipeline.predict(grey, [whole], timer)
        else:
            found = self.pipeline.search(grey, timer)
            faces, skipped = found.faces, found.detections_skipped
        return Analysis(faces, timer.milliseconds, skipped)


def _check_choice(name: str, choice: str, allowed: Sequence[str] | dict[str, str]) -> None:
    if choice not in allowed:
        raise ValueError(f"{name} {choice!r} is not one of {', '.join(allowed)}")


def _checked(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"image: uint8 (H, W) or (H, W, 3) expected, not {image.dtype} {image.shape}"
        )
    if image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(f"image: 3 channels in BGR order expected, not {image.shape[2]}")
    return image
