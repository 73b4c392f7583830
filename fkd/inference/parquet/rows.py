"""A photo as rows of the table: one for each face, or one that says why there is none."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box
from fkd.geometry.pose import Pose
from fkd.inference.face import Face
from fkd.inference.predictor import Analysis, Predictor
from fkd.io.images import ImageError, Picture
from fkd.models.metadata import ModelError


class FaceRow(NamedTuple):
    """One face; or a photo without a face, in which `face` and all that is of a face is None; or a
    photo that cannot be read, which has an `error` and neither size nor face.

    uri: where the photo is. width, height: of the photo, pixels. several_pictures: whether its file
    has more than the one that was read. face: its number in the photo, from 0, highest score first.
    box, roll, score, visible and depth: as `fkd.inference.face.Face` says. points: float32 (136,),
    x0, y0, x1, y1 ..., photo pixels, pixel centres at integers. confidence, visible, depth: float32
    (68,). pose: of the head, degrees. detections_skipped, min_face: of the search (`Analysis`).
    model: what was asked for. error: one sentence.
    """

    uri: str
    width: int | None = None
    height: int | None = None
    several_pictures: bool | None = None
    face: int | None = None
    box: Box | None = None
    roll: float | None = None
    score: float | None = None
    points: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    visible: NDArray[np.float32] | None = None
    depth: NDArray[np.float32] | None = None
    pose: dict[str, float] | None = None
    min_face: int | None = None
    detections_skipped: int | None = None
    model: str = ""
    error: str | None = None


class Counts(NamedTuple):
    """How many photos, faces in them, photos without a face and photos that could not be read."""

    photos: int = 0
    faces: int = 0
    without_face: int = 0
    unread: int = 0


def photo_rows(
    predictor: Predictor, model: str, uri: str, photo: Picture | ImageError
) -> list[FaceRow]:
    """The rows of a photo, or of the reason why it cannot be read; the same on every machine."""
    if isinstance(photo, ImageError):
        return [FaceRow(uri, model=model, error=str(photo).removeprefix(f"{uri}: "))]
    try:
        analysis = predictor.analyse(photo.pixels)
    except ModelError as error:  # of this photo: the model itself was tried when it was opened
        return [FaceRow(uri, model=model, error=str(error))]
    of_photo = _photo_row(uri, model, photo, analysis)
    return [
        of_photo._replace(face=number, **_of_face(face))
        for number, face in enumerate(analysis.faces)
    ] or [of_photo]


def counts_of(rows: list[FaceRow]) -> Counts:
    """What the rows of one photo add to the counts."""
    (first, *_) = rows
    faces = 0 if first.face is None else len(rows)
    return Counts(1, faces, int(not faces and first.error is None), int(first.error is not None))


def add(one: Counts, other: Counts) -> Counts:
    """The counts of both."""
    return Counts(*(a + b for a, b in zip(one, other, strict=True)))


def _photo_row(uri: str, model: str, photo: Picture, analysis: Analysis) -> FaceRow:
    height, width = photo.pixels.shape[:2]
    return FaceRow(
        uri,
        width,
        height,
        photo.several,
        min_face=analysis.min_face,
        detections_skipped=analysis.detections_skipped,
        model=model,
    )


def _of_face(face: Face) -> dict[str, Any]:
    return {
        "box": face.box,
        "roll": face.roll,
        "score": face.score,
        "points": face.points.ravel(),
        "confidence": face.confidence,
        "visible": face.visible,
        "depth": face.depth,
        "pose": None if face.pose is None else dict(zip(Pose._fields, face.pose, strict=True)),
    }
