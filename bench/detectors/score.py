"""What a detector found in a set, as figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.evaluation.detection import Found, curve

# Allowed false boxes for a picture, at which the recall is told.
FALSE_BOXES = (0.01, 0.05)


@dataclass(frozen=True)
class Figures:
    """faces: of the set. recall: percent of them, by false boxes for a picture. average_precision:
    percent."""

    faces: int
    recall: dict[float, float]
    average_precision: float


def figures(found: Sequence[NDArray[np.floating]], faces: Sequence[NDArray]) -> Figures:
    """Figures of one program on one set, from the rows (K, 4) and labelled faces (F, 3) of each
    picture."""
    of = curve([ordered(rows) for rows in found], faces)
    return Figures(
        faces=sum(map(len, faces)),
        recall={false: 100 * of.recall_at(false) for false in FALSE_BOXES},
        average_precision=100 * of.average_precision,
    )


def ordered(rows: NDArray[np.floating]) -> Found:
    """A program's rows of a picture, centre x and y, side, score; most certain first."""
    falling = rows[np.argsort(-rows[:, 3], kind="stable")]
    return Found(falling[:, 3], falling[:, :3])
