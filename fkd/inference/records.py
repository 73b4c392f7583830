"""Faces as plain values for JSON: the same for `fkd infer`, `fkd video` and the server."""

from collections.abc import Sequence
from typing import Any

from fkd.geometry import Image
from fkd.inference.face import Face
from fkd.inference.predictor import Analysis

JSON_SCHEMA = 2


def photo_record(
    label: str, image: Image, analysis: Analysis, model: str, backend: str
) -> dict[str, Any]:
    """One photo's faces."""
    return {
        "schema": JSON_SCHEMA,
        "image": label,
        "width": image.shape[1],
        "height": image.shape[0],
        "model": model,
        "backend": backend,
        "faces": [face.to_dict() for face in analysis.faces],
        "min_face": analysis.min_face,
        "detections_skipped": analysis.detections_skipped,
        "milliseconds": analysis.milliseconds,
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
