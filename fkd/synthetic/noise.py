"""Fractal value noise: the base of skin, hair, cloth and backgrounds."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


def fractal_noise(
    rng: Generator,
    shape: tuple[int, int],
    *,
    octaves: int,
    persistence: float,
    cells: int,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.float32]:
    """Value noise summed over octaves, about 0 and mostly within -1..1: float32 of this shape.

    shape: (height, width). cells: of the coarsest octave along a side; each further octave has
    twice as many and `persistence` times the amplitude. stretch: factors on the number of cells
    across and down.
    """
    height, width = shape
    total = np.zeros((height, width), np.float32)
    amplitude, sum_of_amplitudes = 1.0, 0.0
    for octave in range(octaves):
        across = min(max(int(cells * 2**octave * stretch[0]), 2), width)
        down = min(max(int(cells * 2**octave * stretch[1]), 2), height)
        grid = rng.random((down, across), np.float32) - np.float32(0.5)
        total += np.float32(amplitude) * cv2.resize(
            grid, (width, height), interpolation=cv2.INTER_LINEAR if octave > 1 else cv2.INTER_CUBIC
        )
        sum_of_amplitudes += amplitude
        amplitude *= persistence
    return total * np.float32(2 / sum_of_amplitudes)
