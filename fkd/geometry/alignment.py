"""Alignment: points in the frame of the eyes, where faces can be compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import LEFT_EYE, RIGHT_EYE


def eye_frame(points: NDArray[Any], eyes_of: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """Points turned, scaled and moved so that the eyes' centres lie at (+-0.5, 0), y down.

    points: (..., 68, 2). eyes_of: points of the same shape whose eyes make the frame, by default
    these. Returns float64 (..., 68, 2).
    """
    frame = np.asarray(points if eyes_of is None else eyes_of, np.float64)
    right = frame[..., RIGHT_EYE, :].mean(axis=-2, keepdims=True)
    left = frame[..., LEFT_EYE, :].mean(axis=-2, keepdims=True)
    x, y = np.moveaxis((left - right)[..., 0, :], -1, 0)
    turn = np.stack([np.stack([x, y], -1), np.stack([-y, x], -1)], -2)
    turn = turn / (x**2 + y**2)[..., None, None]
    return np.asarray((points - (left + right) / 2) @ np.swapaxes(turn, -1, -2))
