"""Figures of the detector's reports."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.datasets.scenes.compose import Scene
from fkd.evaluation.detection import Curve
from fkd.evaluation.figures import curve_panels, curves, gallery
from fkd.geometry import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHITE, GREY, BLACK = 255, 128, 0
SHOWN_SIDE = 256


def scene_gallery(scenes: Sequence[Scene]) -> "Figure":
    """Scenes with their faces: white where it is certain that there is one, else grey."""
    drawn = []
    for scene in scenes:
        picture = with_squares(scene.grey, scene.faces[scene.certain], WHITE)
        drawn.append(with_squares(picture, scene.faces[~scene.certain], GREY))
    return gallery(drawn, columns=6)


def worst_gallery(
    pictures: Sequence[Image], labels: Sequence[NDArray], found: Sequence[NDArray]
) -> "Figure":
    """Pictures with their labelled faces black and what was found white."""
    drawn = []
    for picture, faces, squares in zip(pictures, labels, found, strict=True):
        zoom = SHOWN_SIDE / max(picture.shape)
        shown = np.asarray(cv2.resize(picture, None, fx=zoom, fy=zoom), np.uint8)
        drawn.append(with_squares(with_squares(shown, faces * zoom, BLACK), squares * zoom, WHITE))
    return gallery(drawn, columns=6)


def with_squares(picture: Image, squares: NDArray, shade: int) -> Image:
    """A copy of a picture with squares, centre and side, drawn on it."""
    drawn = picture.copy()
    for x, y, side in squares:
        low, high = ((round(x - s), round(y - s)) for s in (side / 2, -side / 2))
        cv2.rectangle(drawn, low, high, shade, 1)
    return drawn


def precision_recall(by_set: Mapping[str, Curve]) -> "Figure":
    """Precision over recall of each set."""
    lines = {name: (of.recall, of.precision) for name, of in by_set.items()}
    return curves(lines, "recall", "precision")


def recall_by(
    edges: Mapping[str, Sequence[float]], recall: Mapping[str, Sequence[float]]
) -> "Figure":
    """Recall over the middles of classes, a panel for each kind of class."""
    panels = {}
    for name, of in edges.items():
        middles = [(low + high) / 2 for low, high in pairwise(of)]
        panels[name] = {"recall": (middles, recall[name])}
    return curve_panels(panels, "recall %", 102, "Recall by side, yaw and roll")
