"""From the detector network's maps to faces. Arithmetic on arrays; no network here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.models.detector import STRIDES

FloatArray = NDArray[np.float32]

# Faces that share this much of their union are one.
DUPLICATE_IOU = 0.4


@dataclass(frozen=True)
class Candidates:
    """Faces of a picture, most certain first. scores: float32 (N,), 0..1. faces: float32 (N, 3),
    centre x and y of the square around the upright face's points, and the side of the face's box,
    pixels, centres at integers. five: float32 (N, 5, 2), `fkd.geometry.roll.five_points`, pixels.
    """

    scores: FloatArray
    faces: FloatArray
    five: FloatArray

    def chosen(self, which: NDArray[Any]) -> "Candidates":
        """Some of them, by their numbers or a mask."""
        return Candidates(self.scores[which], self.faces[which], self.five[which])

    def moved(self, corner: tuple[int, int], zoom: float) -> "Candidates":
        """The same in a picture that is `zoom` times as large, of which this one is a part with
        its corner at (x, y)."""
        shift = np.array(corner, np.float32) + 0.5  # centres of pixels are at integers
        faces = np.hstack([(self.faces[:, :2] + shift) * zoom - 0.5, self.faces[:, 2:] * zoom])
        five = (self.five + shift) * zoom - 0.5
        return Candidates(self.scores, faces.astype(np.float32), five.astype(np.float32))


def decode(maps: Sequence[FloatArray], min_score: float) -> Candidates:
    """The cells of a picture that say of a face that it is there, with at least this score.

    maps: float32 (14, H/s, W/s) for each stride s: the score's logit; the square's centre about
    the cell's, and the log of the box's side, in strides; the five points about the cell's centre.
    """
    scores, faces, five = [], [], []
    least = float(np.log(min_score / (1 - min_score)))
    for cells, stride in zip(maps, STRIDES, strict=True):
        row, column = np.nonzero(cells[0] >= least)
        told = cells[:, row, column].T
        centre = np.stack([column, row], axis=1) * stride + (stride - 1) / 2
        middle = centre + told[:, 1:3] * stride
        side = np.exp(np.minimum(told[:, 3:4], 8)) * stride
        scores.append(1 / (1 + np.exp(-told[:, 0])))
        faces.append(np.concatenate([middle, side], axis=1))
        five.append(centre[:, None] + told[:, 4:].reshape(-1, 5, 2) * stride)
    together = (np.concatenate(values).astype(np.float32) for values in (scores, faces, five))
    return _ordered(Candidates(*together))


def joined(found: Sequence[Candidates]) -> Candidates:
    """All candidates of several searches, at least one, most certain first."""
    return _ordered(
        Candidates(
            np.concatenate([one.scores for one in found]),
            np.concatenate([one.faces for one in found]),
            np.concatenate([one.five for one in found]),
        )
    )


def _ordered(found: Candidates) -> Candidates:
    return found.chosen(np.argsort(-found.scores, kind="stable"))


def suppressed(found: Candidates) -> Candidates:
    """Each face once: the most certain of those that overlap."""
    kept: list[int] = []
    rest = np.arange(len(found.scores))
    while len(rest):
        kept.append(int(rest[0]))
        shared = overlaps(found.faces[rest[0]], found.faces[rest[1:]])
        rest = rest[1:][shared <= DUPLICATE_IOU]
    return found.chosen(np.array(kept, int))


def overlaps(face: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union, float32 (N,), of a square (3,) and squares (N, 3)."""
    half = (face[2] + others[:, 2]) / 2
    least = np.minimum(face[2], others[:, 2])
    apart = np.abs(face[:2] - others[:, :2])
    sides = np.minimum(np.maximum(half[:, None] - apart, 0), least[:, None])
    shared = sides[:, 0] * sides[:, 1]
    return np.asarray(shared / (face[2] ** 2 + others[:, 2] ** 2 - shared))
