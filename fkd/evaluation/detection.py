"""Scoring a detector: precision and recall over pictures whose faces are labelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.labelled_pictures import LabelledPicture
from fkd.datasets.scenes.compose import Scene
from fkd.geometry import Image

# A detection counts when its centre lies this near a label's, in sides of the label's box, and
# its side is this much of the label's: labels of other conventions take hair and chin in.
LARGEST_DISTANCE = 0.4
SMALLEST_RATIO, LARGEST_RATIO = 0.45, 2.2
# Below this score a curve holds next to nothing but false detections.
LOWEST_SCORE = 0.02


@dataclass(frozen=True)
class Curve:
    """How a detector does as its threshold falls. scores: float (N,), falling. recall: fraction of
    the faces. false: false detections for a picture. precision: fraction of the detections."""

    scores: NDArray[np.float64]
    recall: NDArray[np.float64]
    false: NDArray[np.float64]
    precision: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The area under the precision made monotone, over the recall, 0..1."""
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        steps = np.diff(self.recall, prepend=0.0)
        return float((best * steps).sum())

    def recall_at(self, false: float) -> float:
        """The recall at so many false detections for a picture, 0..1."""
        allowed = self.recall[self.false <= false]
        return float(allowed.max()) if len(allowed) else 0.0

    def threshold_at(self, false: float) -> float:
        """The lowest score with at most so many false detections for a picture; 1 for none."""
        allowed = self.scores[self.false <= false]
        return float(allowed.min()) if len(allowed) else 1.0


class Found(NamedTuple):
    """What a detector found in a picture. scores: float (N,), falling. squares: float (N, 3),
    centre x and y and side, as a picture's labelled faces have them."""

    scores: NDArray
    squares: NDArray


class Matches(NamedTuple):
    """right: bool (N,), whether each detection frames a face that none before it did. scores:
    float (F,), of the detection that frames each face, 0 for one that is missed."""

    right: NDArray[np.bool_]
    scores: NDArray[np.float64]


def match(found: Found, faces: NDArray) -> Matches:
    """Which detections frame which of a picture's faces (F, 3), the most certain first."""
    scores, free = np.zeros(len(faces)), np.ones(len(faces), np.bool_)
    right = np.zeros(len(found.scores), np.bool_)
    for i, (score, square) in enumerate(zip(found.scores, found.squares, strict=True)):
        face = _framed(square, faces, free)
        if face is not None:
            right[i], scores[face], free[face] = True, score, False
    return Matches(right, scores)


def curve(found: Sequence[Found], labels: Sequence[NDArray]) -> Curve:
    """The curve over some pictures; labels: for each the squares of its faces (F, 3). A second
    detection of a face is false."""
    matches = [match(of, faces) for of, faces in zip(found, labels, strict=True)]
    scores = np.concatenate([of.scores for of in found]) if found else np.zeros(0)
    right = np.concatenate([of.right for of in matches]) if found else np.zeros(0, np.bool_)
    order = np.argsort(-scores, kind="stable")
    hits = right[order]
    count, true = max(1, sum(map(len, labels))), np.cumsum(hits)
    wrong = np.cumsum(~hits)
    return Curve(
        scores[order],
        true / count,
        wrong / max(1, len(labels)),
        true / np.maximum(true + wrong, 1),
    )


def _framed(square: NDArray, faces: NDArray, free: NDArray[np.bool_]) -> int | None:
    """The number of the nearest free face that a detection frames."""
    if not len(faces):
        return None
    distance = np.hypot(*(square[:2] - faces[:, :2]).T) / faces[:, 2]
    ratio = square[2] / faces[:, 2]
    fits = free & (distance < LARGEST_DISTANCE) & (ratio > SMALLEST_RATIO) & (ratio < LARGEST_RATIO)
    return int(np.where(fits, distance, np.inf).argmin()) if fits.any() else None


Find = Callable[[Image], Found]


@dataclass(frozen=True)
class Scored:
    """A set as a detector sees it."""

    pictures: Sequence[Image]
    labels: Sequence[NDArray]
    found: Sequence[Found]

    @property
    def curve(self) -> Curve:
        return curve(self.found, self.labels)


def score_pictures(find: Find, pictures: Sequence[LabelledPicture]) -> Scored:
    """What a detector finds in labelled pictures."""
    greys = [picture.grey for picture in pictures]
    return Scored(greys, [picture.faces for picture in pictures], [find(grey) for grey in greys])


def score_scenes(find: Find, scenes: Sequence[Scene]) -> Scored:
    """What a detector finds in scenes; what lies at a face that nobody can be sure of counts
    neither way."""
    found, labels = [], []
    for scene in scenes:
        told, unsure = find(scene.grey), scene.faces[~scene.certain]
        kept = [not near_any(square, unsure) for square in told.squares]
        found.append(Found(told.scores[kept], told.squares[kept]))
        labels.append(scene.faces[scene.certain])
    return Scored([scene.grey for scene in scenes], labels, found)


def near_any(square: NDArray, others: NDArray) -> bool:
    """Whether a square overlaps one of some others (N, 3)."""
    distance = np.abs(square[:2] - others[:, :2]).max(axis=1)
    return bool((distance < (square[2] + others[:, 2]) / 2).any())
