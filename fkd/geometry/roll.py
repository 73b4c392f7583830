"""Five points of a face, and what they tell: how far the face is turned in the picture's plane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Points
from fkd.geometry.boxes import POINTS_SIDE, box_around, reference_box
from fkd.landmarks import LEFT_EYE, NOSE_TIP, OUTER_MOUTH_CORNERS, RIGHT_EYE

FivePoints = NDArray[np.float32]

# Where the five points lie about the centre of the 68 points' bounding square, in sides of the
# reference box. Mean of 318 upright, nearly frontal faces of 300-W's training folders.
MEAN_FIVE_POINTS = np.array(
    [[-0.195, -0.267], [0.195, -0.267], [0.0, -0.048], [-0.169, 0.135], [0.169, 0.135]]
)

# A face that is turned by more than this, degrees, is cropped upright; up to it a network has
# learned to see turned faces.
LARGEST_UPRIGHT_ROLL = 30.0


@dataclass(frozen=True)
class Frame:
    """How a face's crop is cut. box: photo pixels, in the convention of `reference_box` for the
    face as it is upright. roll: by how much the photo's face is turned, degrees clockwise."""

    box: Box
    roll: float = 0.0


def wrapped(degrees: float) -> float:
    """The same angle from -180 up to, not including, 180 degrees."""
    return (degrees + 180) % 360 - 180


def crop_roll(roll: float) -> float:
    """By how much a face's crop is turned back, degrees: not at all up to LARGEST_UPRIGHT_ROLL."""
    return roll if abs(roll) > LARGEST_UPRIGHT_ROLL else 0.0


def five_points(points: Points) -> FivePoints:
    """The right and the left eye's centre, the nose tip, the right and the left mouth corner:
    float32 (..., 5, 2), of points float32 (..., 68, 2)."""
    eyes = [points[..., eye, :].mean(axis=-2) for eye in (RIGHT_EYE, LEFT_EYE)]
    others = [points[..., i, :] for i in (NOSE_TIP, *OUTER_MOUTH_CORNERS)]
    return np.stack([*eyes, *others], axis=-2).astype(np.float32)


def roll_of(five: FivePoints) -> float:
    """How far a face is turned clockwise in the picture, degrees, -180 to 180: the rotation of the
    similarity that takes the mean five points nearest to these (5, 2). It holds for profiles, whose
    eyes lie above each other's place."""
    mean = MEAN_FIVE_POINTS - MEAN_FIVE_POINTS.mean(axis=0)
    seen = five - five.mean(axis=0)
    across = float((mean * seen).sum())
    around = float((mean[:, 0] * seen[:, 1] - mean[:, 1] * seen[:, 0]).sum())
    return float(np.degrees(np.arctan2(around, across)))


def upright_square(points: Points, roll: float) -> tuple[float, float, float]:
    """Of a face that is turned by `roll`, degrees clockwise: the centre (x, y) of the square that
    bounds its points when they are turned upright, photo pixels, and the side of its box.

    points: float (68, 2), photo pixels.
    """
    turn = np.radians(roll)
    upright = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    turned = np.asarray(points, np.float64) @ upright.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = upright.T @ ((low + high) / 2)
    return float(x), float(y), float((high - low).max()) / POINTS_SIDE


def turned_box(points: Points, roll: float) -> Box:
    """The box of a face that is turned by `roll`, degrees clockwise: `crop_face` with this box and
    angle cuts what it would cut of the upright face. The reference box for a roll of 0.

    points: float (68, 2), photo pixels.
    """
    return box_around(*upright_square(points, roll))


def frame_of(points: Points) -> Frame:
    """The frame of the face with these points, float (68, 2), photo pixels: the reference box, and
    the turned box of a face that is turned by more than LARGEST_UPRIGHT_ROLL."""
    roll = crop_roll(roll_of(five_points(points)))
    return Frame(turned_box(points, roll) if roll else reference_box(points), roll)
