"""Where the 68 points of a drawn person are, as 300-W's annotators would click them."""

import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.bindings import FACE_MIDDLE
from fkd.synthetic.camera import View
from fkd.synthetic.habits import (
    evenly_along,
    habit_offsets,
    steps_behind,
    turned_offsets,
)

# Upper and lower points of the lids and of the inner lips: closed they touch but do not cross.
# Decimetres.
MEETING = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))
LEAST_APART = 0.004


def points_on_head(
    anatomy: Anatomy, vertices: NDArray[np.float32], brows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The 68 places (68, 3) on an unposed head; brows: (10, 2), texture pixels of points 17-26."""
    points = anatomy.points.of(vertices)
    points[17:27] = anatomy.from_texture(vertices, brows)
    points += habit_offsets(points)
    half = np.array([0, LEAST_APART / 2, 0], np.float32)
    for upper, lower in MEETING:
        if points[upper, 1] - points[lower, 1] < LEAST_APART:
            middle = (points[upper] + points[lower]) / 2
            points[upper], points[lower] = middle + half, middle - half
    return points


def points_in_picture(
    anatomy: Anatomy, view: View, points: NDArray[np.float32], turned: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The points (68, 2) in picture pixels, corners at integers.

    points: (68, 3) on the unposed head. turned: the turned head (V, 3). In 300-W a jaw point of a
    turned face is back toward the ear on the visible side and on the silhouette on the hidden
    one: each takes the outermost place of its path, which comes out radially to the outline of
    the frontal face and then goes straight back. Then they are spaced evenly.
    """
    sideways = turned_offsets(points, view.turn)
    placed = view.project(view.turned(points) + sideways)[:, :2]
    jaw_offsets = habit_offsets(points)[:17] @ view.turn.T + sideways[:17]
    outlines = anatomy.jaw.of(turned) + jaw_offsets[:, None]
    behind = outlines[:, -1:] + steps_behind(points) @ view.turn.T
    paths = view.project(np.concatenate([outlines, behind], axis=1))[..., :2]
    middle = view.see(FACE_MIDDLE)[:2]
    across = np.array([view.turn[0, 0], -view.turn[1, 0]])
    across /= np.linalg.norm(across) + 1e-6
    for i, path in enumerate(paths):
        outward = path[-1] - middle
        outward /= np.linalg.norm(outward) + 1e-6
        if abs(i - 8) > 1:  # at the ears outward is sideways, at the chin it is radial
            radial = 1 - abs(i - 8) / 8
            to_the_side = -across if i < 8 else across
            outward = outward * radial + to_the_side * (1 - radial)
        placed[i] = path[np.argmax((path - middle) @ outward)]
    placed[:17] = evenly_along(placed[:17])
    return placed
