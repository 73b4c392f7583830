"""Skin and hair textures: reading them at positions, and soft masks to paint them with.

A texture is float32 (height, width); positions in it are texture pixels, x right and y down.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float32]

TEXTURE_SIZE = 512  # height and width of a skin texture
# OpenCV draws with coordinates in 1/2**SHIFT pixel.
SHIFT = 3
# A picture's rows are limited to 32767, so a list of positions goes in as rows of this length.
LOOKUP_ROW = 512


def texture_lookup(texture: Texture, uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """A skin texture at positions (P, 2), bilinear: float32 (P,)."""
    return _lookup(texture, uv[:, 0], uv[:, 1], cv2.BORDER_REFLECT)


def strand_lookup(
    texture: Texture, across: NDArray[np.float32], down: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A hair texture, which repeats, at positions (P,) and (P,), bilinear: float32 (P,)."""
    return _lookup(texture, across, down, cv2.BORDER_WRAP)


def _lookup(
    texture: Texture, x: NDArray[np.float32], y: NDArray[np.float32], border: int
) -> NDArray[np.float32]:
    padding = -len(x) % LOOKUP_ROW
    maps = [np.pad(v.astype(np.float32), (0, padding)).reshape(-1, LOOKUP_ROW) for v in (x, y)]
    found = cv2.remap(texture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found.ravel()[: len(x)])


def soft_polygon(corners: NDArray, blur: float) -> Texture:
    """A mask of a polygon (K, 2), 0..1, blurred by a Gaussian of `blur` texture pixels."""
    mask = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    cv2.fillPoly(mask, [(corners * 2**SHIFT).astype(np.int32)], 1.0, cv2.LINE_AA, SHIFT)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur))


def soft_ellipse(centre: NDArray, radii: tuple[float, float], blur: float) -> Texture:
    """A mask of an upright ellipse, 0..1, blurred by a Gaussian of `blur` texture pixels."""
    angle = np.linspace(0, 2 * np.pi, 32)
    outline = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], 1)
    return soft_polygon(centre + outline, blur)
