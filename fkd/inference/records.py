"""Faces as plain values for JSON: the same for `fkd infer`, `fkd align`, `fkd video` and the
server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fkd.geometry.chip import FaceChip
from fkd.inference.face import Face
from fkd.inference.predictor import Analysis
from fkd.io.images import Picture

JSON_SCHEMA = 2


def photo_record(
    label: str, picture: Picture, analysis: Analysis, model: str, backend: str
) -> dict[str, Any]:
    """One photo's faces."""
    return {
        "schema": JSON_SCHEMA,
        "image": label,
        "width": picture.pixels.shape[1],
        "height": picture.pixels.shape[0],
        "several_pictures": picture.several,
        "model": model,
        "backend": backend,
        "faces": [face.to_dict() for face in analysis.faces],
        "min_face": analysis.min_face,
        "detections_skipped": analysis.detections_skipped,
        "milliseconds": analysis.milliseconds,
    }


def chip_record(label: str, number: int, chip: FaceChip, path: Path) -> dict[str, Any]:
    """The chip of one face of a photo, in a file; number: of the face, from 0."""
    return {
        "schema": JSON_SCHEMA,
        "image": label,
        "face": number,
        "chip": str(path),
        "transform": chip.transform.tolist(),
    }


def frame_record(
    number: int,
    seconds: float,
    faces: Sequence[Face],
    detections_skipped: int,
    min_face: int | None = None,
) -> dict[str, Any]:
    """The faces of a video's frame; number: from 0; seconds: from the video's start;
    detections_skipped, min_face: of the last search (`Analysis`)."""
    return {
        "schema": JSON_SCHEMA,
        "frame": number,
        "seconds": round(seconds, 4),
        "faces": [face.to_dict() for face in faces],
        "min_face": min_face,
        "detections_skipped": detections_skipped,
    }
