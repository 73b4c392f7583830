"""The One-Euro filter: steady where a face rests, quick where it moves."""

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

# Of the filter on the speed itself, hertz; the paper's value.
SPEED_CUTOFF = 1.0
# How much a place's own speed beside the whole face's counts: single places tremble most.
OWN_SHARE = 1 / 6


class OneEuro:
    """Smooths places (K, 2) of one face over time. Source: Casiez, Roussel, Vogel (2012); here the
    speed is that of the face as a whole, an affine motion of all its places, and a share of each
    place's own.

    cutoff: of the low-pass at rest, hertz; lower is steadier. speed_gain: hertz added for each
    `scale` (a face's size) that a place moves in a second; higher follows more quickly.
    """

    def __init__(self, cutoff: float, speed_gain: float) -> None:
        self.cutoff, self.speed_gain = cutoff, speed_gain
        self.places: NDArray[np.float64] | None = None
        self.speed: NDArray[np.float64] = np.zeros((1, 2))

    def __call__(self, places: Points, seconds: float, scale: float) -> Points:
        """The smoothed places, float32 (K, 2), `seconds` (> 0) after the call before."""
        if self.places is None:
            self.places = places.astype(np.float64)
            return places
        speed = (places - self.places) / (seconds * scale)
        self.speed = self.speed + _share(SPEED_CUTOFF, seconds) * (speed - self.speed)
        whole = _affine(self.places, self.speed)
        own = np.linalg.norm(self.speed - whole, axis=1, keepdims=True)
        moved = np.linalg.norm(whole, axis=1, keepdims=True) + OWN_SHARE * own
        cutoff = self.cutoff + self.speed_gain * moved
        self.places = self.places + _share(cutoff, seconds) * (places - self.places)
        return self.places.astype(np.float32)


def _affine(places: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine motion nearest to the speeds (K, 2) of places (K, 2), at each place."""
    away = places - places.mean(axis=0)
    columns = np.column_stack([away / (np.abs(away).max() + 1e-9), np.ones(len(places))])
    return np.asarray(columns @ np.linalg.lstsq(columns, speed, rcond=None)[0])


def _share(cutoff: NDArray[np.float64] | float, seconds: float) -> NDArray[np.float64]:
    """Of the new value that a low-pass takes: 1 / (1 + tau / dt), tau = 1 / (2 pi cutoff)."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * np.asarray(cutoff) * seconds)))
