"""Portraits of real people in scenes: faces whose points a teacher told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fkd.datasets.scenes.store import Picture
from fkd.datasets.store import LabelledFace
from fkd.geometry import Image

# The part of a portrait's width, and of its height, at each edge in which it fades out: an edge
# that is seen would tell where a face is.
FADING = 0.12


@dataclass(frozen=True)
class Portraits(Sequence[Picture]):
    """Faces with what is around them, as pictures that go into scenes like heads, each made when
    it is asked for."""

    faces: Sequence[LabelledFace]

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Picture:  # type: ignore[override]  # no slices
        face = self.faces[index]
        height, width = face.grey.shape
        # Square, as the pictures of heads are, with nothing where the portrait ends.
        pixels, alpha = np.zeros((2, max(height, width), max(height, width)), np.uint8)
        alpha[:height, :width] = _fading((height, width))
        pixels[:height, :width] = np.round(face.grey * (alpha[:height, :width] / np.float32(255)))
        return Picture(pixels, alpha, face.points)


def _fading(shape: tuple[int, int]) -> Image:
    """How much a portrait of this shape (H, W) covers: 255 but for its edges, where it falls to
    0."""
    down, across = (
        np.minimum(1, np.minimum(place, place[::-1]) / (FADING * length))
        for length in shape
        for place in [np.arange(length, dtype=np.float32)]
    )
    return np.asarray(np.round(255 * np.outer(down, across)), np.uint8)
