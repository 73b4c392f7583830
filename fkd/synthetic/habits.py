"""Where annotators click beside the anatomical places, and how they space points along the jaw.

Measured on the training folders of 300-W as annotation minus the answer of a network trained on
drawn faces: without these habits, and again with what that gave. The mean at yaw 0 gives `outward`
and `up`, the slope over the sine of the yaw gives `forward`, which the pitch does not show.
Averaged numbers only; the figure `bias.png` of the report shows what is left of them.
"""

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import COUNT, FLIP, LEFT_EYE, RIGHT_EYE

# (outward, up, forward) in hundredths of the distance between the eyes' centres, for the subject's
# right side and the middle. The ridge and the inner lips are clicked where the picture shows an
# edge, in front of the anatomical place.
HABITS: dict[int, tuple[float, float, float]] = {
    0: (1.0, 6.5, 0.0),
    3: (0.8, 0.0, 0.0),
    4: (1.0, 0.0, 0.0),
    6: (1.0, 2.5, 5.0),
    7: (0.0, 2.0, 10.0),
    8: (0.0, 2.0, 11.0),
    17: (2.4, 1.0, 0.0),
    18: (2.1, 1.5, -5.0),
    19: (1.6, 2.0, -7.0),
    20: (1.1, 2.0, -4.0),
    21: (-0.5, 0.7, 5.0),
    27: (0.0, -2.4, 11.0),
    28: (0.0, -2.7, 15.0),
    29: (0.0, -2.0, 12.0),
    30: (0.0, -2.4, 13.0),
    31: (-1.2, 0.4, 13.0),
    32: (-0.3, -1.2, 9.0),
    33: (0.0, -0.7, 8.0),
    37: (0.5, 0.3, 0.0),
    38: (0.6, 1.5, 0.0),
    39: (1.3, -1.2, 0.0),
    40: (1.3, -1.0, 0.0),
    41: (0.5, -0.8, -3.0),
    48: (-1.4, 0.6, -3.0),
    49: (1.8, -1.5, -7.0),
    50: (-1.8, 0.0, 0.0),
    51: (0.0, -1.8, -2.0),
    57: (0.0, -1.1, 6.0),
    58: (0.7, -0.5, 6.0),
    59: (-1.3, 0.0, 5.0),
    61: (-1.1, 0.8, 11.0),
    62: (0.0, -1.1, 11.0),
    66: (0.0, -1.2, 7.5),
    67: (-0.7, -0.2, 9.5),
}
# How far behind the outline of a frontal face the jaw's upper points 0 to 4 lie, which shows when
# the face is turned; the other points lie on it. The same unit.
JAW_BEHIND = (60.0, 55.0, 51.0, 45.0, 32.0)
BEHIND_STEPS = 12
# Lengths of a jaw side's eight segments, from the ear to the chin: nearly even.
JAW_SEGMENTS = (6.5, 6.4, 6.3, 6.2, 6.2, 6.3, 6.2, 6.0)


def habit_offsets(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to add to the anatomical places (68, 3) of an unposed head, decimetres: its x and y."""
    offsets = np.zeros((COUNT, 3), np.float32)
    for point, (outward, up, _) in HABITS.items():
        offsets[point, :2] = (-outward, up)
        offsets[FLIP[point], :2] = (outward, up)
    return np.asarray(offsets * (eye_distance(points) / 100), np.float32)


def turned_offsets(points: NDArray[np.float32], turn: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to add to the places (68, 3) of a turned head, decimetres: `forward`, along the line
    through both eyes in the picture. points: (68, 3), unposed. turn: (3, 3), of the head.
    """
    forward = np.zeros(COUNT, np.float32)
    for point, (_, _, length) in HABITS.items():
        forward[[point, FLIP[point]]] = length
    up = turn[:2, 1] / np.linalg.norm(turn[:2, 1])
    across = np.zeros(3, np.float32)
    across[:2] = turn[:2, 2] - (turn[:2, 2] @ up) * up
    return np.asarray(forward[:, None] * across * (eye_distance(points) / 100), np.float32)


def steps_behind(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Offsets (17, BEHIND_STEPS, 3) straight back from each jaw point's outline, decimetres."""
    reach = np.zeros(17, np.float32)
    reach[: len(JAW_BEHIND)] = JAW_BEHIND
    reach = np.maximum(reach, reach[::-1]) * np.float32(eye_distance(points) / 100)
    steps = np.zeros((17, BEHIND_STEPS, 3), np.float32)
    steps[..., 2] = -reach[:, None] * np.linspace(0, 1, BEHIND_STEPS, dtype=np.float32)
    return steps


def eye_distance(points: NDArray[np.float32]) -> float:
    """The distance of the eyes' centres, from the 68 places (68, 3)."""
    return float(np.linalg.norm(points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)))


def evenly_along(jaw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The jaw (17, 2) with its ends and chin where they are and the others moved along the line
    through all of them, as far apart as annotators set them."""
    shares = np.cumsum((0, *JAW_SEGMENTS)) / sum(JAW_SEGMENTS)
    right = _at(jaw[:9], shares)
    left = _at(jaw[:7:-1], shares)
    return np.concatenate([right, left[7::-1]])


def _at(line: NDArray[np.float32], shares: NDArray[np.float64]) -> NDArray[np.float32]:
    """Places at shares (K,) of the length of a line through (P, 2): float32 (K, 2)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = [np.interp(shares * along[-1], along, line[:, axis]) for axis in (0, 1)]
    return np.stack(places, axis=-1).astype(np.float32)
