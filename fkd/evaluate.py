"""Scoring a landmark network: the same code for torch and ONNX, for validation and for tests."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.certainty import Answer, Network
from fkd.datasets.store import Face
from fkd.landmarks import GROUPS
from fkd.metrics import auc, failure_rate, nme, point_errors
from fkd.preprocess import Box, CropSpec, crop_face, to_crop, to_photo

Points = NDArray[np.float32]

BATCH = 64


@dataclass(frozen=True)
class Scores:
    """How well some faces were found. NME in percent of the outer eye distance.

    auc: 0..1 at the threshold; failure_rate: percent above it. regions: mean error of each group
    of points. faces: how many were scored.
    """

    faces: int
    nme: float
    median: float
    auc: float
    failure_rate: float
    regions: dict[str, float]


def crops(faces: Iterable[Face], boxes: Iterable[Box], spec: CropSpec) -> NDArray[np.uint8]:
    """The network's input for some faces: uint8 (N, 1, S, S)."""
    pairs = zip(faces, boxes, strict=True)
    return np.stack([crop_face(face.grey, box, spec).pixels[None] for face, box in pairs])


def predict(faces: list[Face], boxes: list[Box], network: Network, spec: CropSpec) -> Answer:
    """The answer to each face (at least one), points in pixels of its cut-out."""
    answers = []
    for start in range(0, len(faces), BATCH):
        part = slice(start, start + BATCH)
        cut = [crop_face(f.grey, b, spec) for f, b in zip(faces[part], boxes[part], strict=True)]
        answer = network(np.stack([crop.pixels[None] for crop in cut]))
        placed = [to_photo(p, c.transform) for p, c in zip(answer.points, cut, strict=True)]
        answers.append(answer._replace(points=np.stack(placed)))
    return Answer(
        np.concatenate([answer.points for answer in answers]),
        _joined([answer.confidence for answer in answers]),
        _joined([answer.score for answer in answers]),
    )


def _joined(parts: list[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def mean_shape(faces: list[Face], spec: CropSpec) -> Points:
    """The mean of the points (68, 2) in crop pixels: what a network that sees nothing would say."""
    placed = [to_crop(f.points, crop_face(f.grey, f.box, spec).transform) for f in faces]
    return np.asarray(np.mean(placed, axis=0, dtype=np.float64), np.float32)


def always(points_crop: Points) -> Network:
    """A network that answers the same points (68, 2) for every crop."""
    return lambda pixels: Answer(np.broadcast_to(points_crop, (len(pixels), *points_crop.shape)))


def validation_nme(faces: list[Face], network: Network, spec: CropSpec) -> float:
    """Mean NME (percent) over faces in the boxes that training uses."""
    predicted = predict(faces, [face.box for face in faces], network, spec)
    return float(nme(predicted.points, truth(faces)).mean())


def truth(faces: list[Face]) -> Points:
    """The annotated points, float32 (N, 68, 2), pixels of each cut-out."""
    return np.stack([face.points for face in faces])


def score(predicted: Points, true: Points, threshold: float) -> Scores:
    """Scores of predictions (N, 68, 2) against the truth of the same shape, at least one face."""
    errors = 100 * point_errors(predicted, true)
    each = nme(predicted, true)
    return Scores(
        faces=len(each),
        nme=float(each.mean()),
        median=float(np.median(each)),
        auc=auc(each, threshold),
        failure_rate=failure_rate(each, threshold),
        regions={name: float(errors[:, group].mean()) for name, group in GROUPS.items()},
    )
