"""The picture being drawn, and the one way to lay a piece of mesh on it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.anatomy import TEXTURE_SIZE
from fkd.synthetic.raster import interpolate, rasterise

FloatArray = NDArray[np.float32]


@dataclass
class Canvas:
    """colour: float32 (S, S), brightness 0..about 1. depth: float32 (S, S), greater is nearer.

    scale, gamma: the camera's tone curve, from light to brightness.
    """

    colour: FloatArray
    depth: FloatArray
    scale: float
    gamma: float

    @property
    def side(self) -> int:
        return self.colour.shape[0]

    def tone(self, light: FloatArray) -> FloatArray:
        """Brightness of light, as the camera records it."""
        return np.clip(light * self.scale, 0, 1.4) ** np.float32(1 / self.gamma)

    def lay(
        self, hits: "Hits", light: FloatArray, shown: NDArray[np.bool_], slack: float = 0.0
    ) -> None:
        """Paint light (P,) where shown (P,) and not behind what is there by more than slack."""
        rows, columns = hits.pixels
        seen = shown & (hits.depth > self.depth[rows, columns] - slack)
        rows, columns = rows[seen], columns[seen]
        self.colour[rows, columns] = self.tone(light[seen])
        self.depth[rows, columns] = np.maximum(self.depth[rows, columns], hits.depth[seen])


@dataclass(frozen=True)
class Hits:
    """The pixels where a mesh is nearest: rows and columns, depth (P,), vertex values (P, K),
    and its triangles (P,)."""

    pixels: tuple[NDArray[np.intp], NDArray[np.intp]]
    depth: FloatArray
    values: FloatArray
    triangles: NDArray[np.int32]


def hit(
    screen: FloatArray, triangles: NDArray[np.int32], values: FloatArray, side: int, cull: bool
) -> Hits:
    """Rasterise a mesh on a picture of `side` squared, with its vertex values (V, K)."""
    ids, weights, depth = rasterise(screen, triangles, side, side, cull)
    pixels = np.nonzero(ids >= 0)
    spread = interpolate(ids, weights, triangles, values)
    return Hits((pixels[0], pixels[1]), depth[pixels], spread, ids[pixels])


def unit(vectors: FloatArray) -> FloatArray:
    """Vectors (P, 3) at length 1."""
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-6))


def sample(texture: FloatArray, places: FloatArray) -> FloatArray:
    """A skin texture at texture pixels (P, 2): float32 (P,)."""
    return _lookup(texture, places[:, 0], places[:, 1], cv2.BORDER_REFLECT)


def sample_strands(texture: FloatArray, across: FloatArray, down: FloatArray) -> FloatArray:
    """A hair texture, which repeats, at its pixels (P,) and (P,): float32 (P,)."""
    return _lookup(texture, across, down, cv2.BORDER_WRAP)


def _lookup(texture: FloatArray, x: FloatArray, y: FloatArray, border: int) -> FloatArray:
    # A picture's rows are limited to 32767, so the list of places goes in as rows of a square.
    width = TEXTURE_SIZE
    padding = -len(x) % width
    maps = [np.pad(v.astype(np.float32), (0, padding)).reshape(-1, width) for v in (x, y)]
    found = cv2.remap(texture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found.ravel()[: len(x)])
