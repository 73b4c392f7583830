"""The picture being rendered, and the one way to put a piece of mesh on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.raster import EMPTY_DEPTH, interpolate, rasterize

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Fragments:
    """The pixels of a picture where a mesh is nearest, P of them in row-major order.

    pixels: rows (P,) and columns (P,). depth: float32 (P,), greater is nearer. attributes: the
    interpolated vertex attributes, float32 (P, K). triangles: int32 (P,), numbers of triangles.
    """

    pixels: tuple[NDArray[np.intp], NDArray[np.intp]]
    depth: FloatArray
    attributes: FloatArray
    triangles: NDArray[np.int32]


def rasterize_mesh(
    screen: FloatArray, triangles: NDArray[np.int32], attributes: FloatArray, side: int, cull: bool
) -> Fragments:
    """The fragments of a mesh in a picture of `side` squared.

    screen: (V, 3), pixels and depth. attributes: (V, K). cull: leave out backs of triangles.
    """
    ids, weights, depth = rasterize(screen, triangles, side, side, cull)
    pixels = np.nonzero(ids >= 0)
    interpolated = interpolate(ids, weights, triangles, attributes)
    return Fragments((pixels[0], pixels[1]), depth[pixels], interpolated, ids[pixels])


@dataclass
class Canvas:
    """pixels: float32 (S, S), brightness 0..about 1. depth: float32 (S, S), greater is nearer.
    cover: float32 (S, S), 0..1, how much of what was there first, the head, something hides.

    exposure, gamma: the camera's tone curve, from radiance to brightness.
    """

    pixels: FloatArray
    depth: FloatArray
    cover: FloatArray
    exposure: float
    gamma: float

    @property
    def side(self) -> int:
        return self.pixels.shape[0]

    def tone_map(self, radiance: FloatArray) -> FloatArray:
        """Brightness of radiance, as the camera records it."""
        return np.clip(radiance * self.exposure, 0, 1.4) ** np.float32(1 / self.gamma)

    def composite(
        self,
        fragments: Fragments,
        radiance: FloatArray,
        mask: NDArray[np.bool_],
        depth_bias: float = 0.0,
    ) -> None:
        """Put fragments of a radiance (P,) on the picture, in place.

        mask: bool (P,), which of them. Those that lie further than `depth_bias` (decimetres)
        behind what is there stay hidden.
        """
        rows, columns = fragments.pixels
        shown = mask & (fragments.depth > self.depth[rows, columns] - depth_bias)
        rows, columns = rows[shown], columns[shown]
        self.pixels[rows, columns] = self.tone_map(radiance[shown])
        self.cover[rows, columns] = np.maximum(
            self.cover[rows, columns], self.depth[rows, columns] > EMPTY_DEPTH
        )
        self.depth[rows, columns] = np.maximum(self.depth[rows, columns], fragments.depth[shown])
