"""Boxes: the reference box of a face, how another box differs from it, and their overlap."""

import numpy as np

from fkd.geometry import Box, Points

# The box convention, that of OpenCV's frontal face cascade: where the 68 points lie in a box.
# Measured on 1,123 faces of YouTube Faces and 300-W: the centre of the points' bounding square in
# box widths right of and below the box's centre, and the square's side over the box's.
CENTRE_RIGHT = 0.006
CENTRE_BELOW = 0.155
POINTS_SIDE = 0.88


def reference_box(points: Points) -> Box:
    """The square box of a face with these points, photo pixels: boxes that detectors give, that
    training uses and that callers hand in all follow this convention.

    points: float (68, 2). Whole pixels, so that it is the same box in a face chip of the photo.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (low + high) / 2
    return box_around(x, y, float((high - low).max()) / POINTS_SIDE)


def box_around(x: float, y: float, side: float) -> Box:
    """The box of this side whose face's points have the centre of their bounding square at (x, y),
    photo pixels, centres at integers."""
    left = x - CENTRE_RIGHT * side - side / 2 + 0.5
    top = y - CENTRE_BELOW * side - side / 2 + 0.5
    return round(float(left)), round(float(top)), max(1, round(side)), max(1, round(side))


def box_offset(box: Box, reference: Box) -> tuple[float, float, float]:
    """How a box differs from a reference box: shift right and shift down of its centre, in sides
    of the reference box, and the ratio of their widths."""
    x, y, side, _ = reference
    right = (box[0] + box[2] / 2 - x - side / 2) / side
    down = (box[1] + box[3] / 2 - y - side / 2) / side
    return right, down, box[2] / side


def centre_distance(box: Box, reference: Box) -> float:
    """Distance of two boxes' centres, in sides of the reference box."""
    return float(np.hypot(*box_offset(box, reference)[:2]))


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)
