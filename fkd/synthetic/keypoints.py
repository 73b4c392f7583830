"""Where the 68 points of a synthetic person are, as 300-W's annotators would click them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.annotation_bias import frontal_bias, jaw_depth_offsets, space_jaw, yaw_bias
from fkd.synthetic.bindings import FACE_MIDDLE
from fkd.synthetic.pose_bias import pose_bias
from fkd.synthetic.shot import PosedHead
from fkd.synthetic.vectors import dot, length, transform

# Upper and lower points of the lids and of the inner lips: closed they touch but do not cross.
MEETING = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))
LEAST_GAP = 0.004  # between them, decimetres


def points_on_head(
    anatomy: Anatomy, vertices: NDArray[np.float32], brows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The 68 positions, float32 (68, 3) in decimetres, on an unposed head.

    vertices: (V, 3). brows: (10, 2), texture pixels of points 17-26.
    """
    points = anatomy.points.of(vertices)
    points[17:27] = anatomy.from_texture(vertices, brows)
    points += frontal_bias(points)
    half = np.array([0, LEAST_GAP / 2, 0], np.float32)
    for upper, lower in MEETING:
        if points[upper, 1] - points[lower, 1] < LEAST_GAP:
            middle = (points[upper] + points[lower]) / 2
            points[upper], points[lower] = middle + half, middle - half
    return points


@dataclass(frozen=True)
class PlacedPoints:
    """placed: float32 (68, 3), the points in picture pixels, the picture's corner at (0, 0), and
    their depth in decimetres, greater is nearer. jaw: float32 (17, 3), the positions on the head
    that the jaw's points stand for: of the outline of the frontal face."""

    placed: NDArray[np.float32]
    jaw: NDArray[np.float32]


def place_points(head: PosedHead, points: NDArray[np.float32]) -> PlacedPoints:
    """The points as they are annotated in the picture.

    points: (68, 3) on the unposed head. In 300-W a jaw point of a turned face is back toward the
    ear on the visible side and on the silhouette on the hidden one: each takes the outermost
    position of its path, which comes out radially to the outline of the frontal face and then goes
    straight back. Then they are spaced evenly, and all points follow `pose_bias`.
    """
    view = head.view
    sideways = yaw_bias(points, view.rotation)
    placed = view.project(view.rotate(points) + sideways)
    jaw_offsets = transform(frontal_bias(points)[:17], view.rotation.T) + sideways[:17]
    outlines = head.anatomy.jaw.of(head.vertices) + jaw_offsets[:, None]
    behind = outlines[:, -1:] + transform(jaw_depth_offsets(points), view.rotation.T)
    paths = view.project(np.concatenate([outlines, behind], axis=1))
    middle = view.project_head(FACE_MIDDLE)[:2]
    across = np.array([view.rotation[0, 0], -view.rotation[1, 0]])
    across /= length(across) + 1e-6
    for i, path in enumerate(paths):
        outward = path[-1, :2] - middle
        outward /= length(outward) + 1e-6
        if abs(i - 8) > 1:  # at the ears outward is sideways, at the chin it is radial
            radial = 1 - abs(i - 8) / 8
            to_the_side = -across if i < 8 else across
            outward = outward * radial + to_the_side * (1 - radial)
        placed[i] = path[np.argmax(dot(path[:, :2] - middle, outward))]
    placed[:17] = space_jaw(placed[:17])
    placed[:, :2] += pose_bias(placed[:, :2], view.pose)
    return PlacedPoints(placed, view.project(outlines[:, -1]))
