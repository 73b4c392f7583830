"""The 68-point convention (iBUG / 300-W): groups, parts, flip permutation, contours.

Left and right are the subject's: points 36-41 are the right eye, which stands on the left of an
unmirrored photo. Everything here is plain numbering; no module repeats it.
"""

import numpy as np
from numpy.typing import NDArray

COUNT = 68
CONVENTION = "ibug-68"

GROUPS: dict[str, slice] = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}

# The parts of a face, each a line of neighbouring points.
PARTS: dict[str, slice] = {
    "jaw": slice(0, 17),  # from the subject's right ear to the left
    "right_brow": slice(17, 22),
    "left_brow": slice(22, 27),
    "nose_bridge": slice(27, 31),
    "nostrils": slice(31, 36),
    "right_eye": slice(36, 42),
    "left_eye": slice(42, 48),
    "outer_lips": slice(48, 60),
    "inner_lips": slice(60, 68),
}
CLOSED_PARTS = ("right_eye", "left_eye", "outer_lips", "inner_lips")

RIGHT_EYE = PARTS["right_eye"]
LEFT_EYE = PARTS["left_eye"]
OUTER_EYE_CORNERS = (36, 45)
NOSE_TIP = 30
OUTER_MOUTH_CORNERS = (48, 54)

# Polylines that draw a face: first point, one past the last, whether the line closes.
CONTOURS: tuple[tuple[int, int, bool], ...] = tuple(
    (part.start, part.stop, name in CLOSED_PARTS) for name, part in PARTS.items()
)

# FLIP[i] is the point that stands where point i stood after the picture is mirrored.
FLIP: NDArray[np.intp] = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
    ]
)


# No photo is as large as this, pixels; the point of a label that lies further out is a mistake.
FARTHEST = 1e6


class PointsError(ValueError):
    """Numbers that are not the 68 points of a face; the message is the reason."""


def check_points(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The points as float32 (68, 2). Raises PointsError for another number, one that is not
    finite, or one further out than `FARTHEST`."""
    if values.shape != (COUNT, 2):
        raise PointsError(f"{len(values)} points instead of {COUNT}")
    if not np.isfinite(values).all():
        raise PointsError("a point is not a number")
    if (farthest := np.abs(values).max()) > FARTHEST:
        raise PointsError(f"a point lies {farthest:.3g} px away, further than {FARTHEST:.0f}")
    return values.astype(np.float32)


def flip_points(points: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Points of the picture mirrored left to right.

    points: float (..., 68, 2), pixels, centres at integers; width: of the picture, pixels.
    Returns an array of the same shape, renumbered so that point 36 is again the right eye's corner.
    """
    mirrored = points[..., FLIP, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored
