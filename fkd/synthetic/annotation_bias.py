"""Annotation bias: how far from the anatomical positions 300-W's annotators click, and how they
space points along the jaw.

Measured on the training folders of 300-W as annotation minus the prediction of a network trained
on synthetic faces: first without this bias, and again with what that gave. The mean at yaw 0 gives
`outward` and `up`, the slope over the sine of the yaw gives `forward`, which the pitch does not
show. Averaged numbers only; the figure `bias.png` of the report shows what is left of them.
"""

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import COUNT, FLIP, LEFT_EYE, RIGHT_EYE
from fkd.synthetic.vectors import dot, length

# (outward, up, forward) in hundredths of the distance between the eyes' centres, for the subject's
# right side and the middle. The ridge and the inner lips are clicked where the picture shows an
# edge, in front of the anatomical position.
ANNOTATION_BIAS: dict[int, tuple[float, float, float]] = {
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
# From and to this yaw, degrees, what grows with it fades away.
PROFILE_BEGINS, PROFILE = 50.0, 80.0
# How far behind the outline of a frontal face the jaw's upper points 0 to 4 lie, which shows when
# the face is turned; the other points lie on it. The same unit.
JAW_DEPTH = (60.0, 55.0, 51.0, 45.0, 32.0)
JAW_DEPTH_STEPS = 12
# Lengths of a jaw side's eight segments, from the ear to the chin: nearly even.
JAW_SEGMENTS = (6.5, 6.4, 6.3, 6.2, 6.2, 6.3, 6.2, 6.0)


def frontal_bias(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """`outward` and `up` as offsets to add to the positions (68, 3) of an unposed head:
    float32 (68, 3), decimetres, z = 0."""
    offsets = np.zeros((COUNT, 3), np.float32)
    for point, (outward, up, _) in ANNOTATION_BIAS.items():
        offsets[point, :2] = (-outward, up)
        offsets[FLIP[point], :2] = (outward, up)
    return np.asarray(offsets * (eye_distance(points) / 100), np.float32)


def yaw_bias(points: NDArray[np.float32], rotation: NDArray[np.float32]) -> NDArray[np.float32]:
    """`forward` as offsets to add to the positions of a rotated head: float32 (68, 3), decimetres,
    along the line through both eyes in the picture.

    points: (68, 3), unposed. rotation: (3, 3), of the head.
    """
    forward = np.zeros(COUNT, np.float32)
    for point, (_, _, offset) in ANNOTATION_BIAS.items():
        forward[[point, FLIP[point]]] = offset
    up = rotation[:2, 1] / length(rotation[:2, 1])
    across = np.zeros(3, np.float32)
    across[:2] = rotation[:2, 2] - dot(rotation[:2, 2], up) * up
    across *= profile_fade(float(np.degrees(np.arcsin(min(float(length(across)), 1.0)))))
    return np.asarray(forward[:, None] * across * (eye_distance(points) / 100), np.float32)


def profile_fade(yaw: float) -> float:
    """How much of a bias that grows with the yaw, degrees, holds there, 0..1. It was measured up to
    50 degrees; where it went on, a profile's nose ridge would lie before the face."""
    return float(np.interp(abs(yaw), (PROFILE_BEGINS, PROFILE), (1.0, 0.0)))


def jaw_depth_offsets(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Offsets (17, JAW_DEPTH_STEPS, 3) straight back from each jaw point's outline, decimetres."""
    reach = np.zeros(17, np.float32)
    reach[: len(JAW_DEPTH)] = JAW_DEPTH
    reach = np.maximum(reach, reach[::-1]) * np.float32(eye_distance(points) / 100)
    offsets = np.zeros((17, JAW_DEPTH_STEPS, 3), np.float32)
    offsets[..., 2] = -reach[:, None] * np.linspace(0, 1, JAW_DEPTH_STEPS, dtype=np.float32)
    return offsets


def eye_distance(points: NDArray[np.float32]) -> float:
    """The distance of the eyes' centres, from the 68 positions (68, 3)."""
    return float(length(points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)))


def space_jaw(jaw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The jaw (17, 2), or (17, 3) with its depth, with its ends and chin where they are and the
    others moved along the line through all of them, as far apart in the picture as annotators set
    them."""
    fractions = np.cumsum((0, *JAW_SEGMENTS)) / sum(JAW_SEGMENTS)
    right = _resample(jaw[:9], fractions)
    left = _resample(jaw[:7:-1], fractions)
    return np.concatenate([right, left[7::-1]])


def _resample(line: NDArray[np.float32], fractions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Positions at fractions (K,) of the length, across its first two columns, of a line through
    (P, D): float32 (K, D)."""
    steps = length(np.diff(line[:, :2], axis=0))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    positions = [np.interp(fractions * along[-1], along, column) for column in line.T]
    return np.stack(positions, axis=-1).astype(np.float32)
