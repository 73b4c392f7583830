"""Where the 68 points lie on the mesh: on vertices, under the mean shape, on the jaw's outline.

A position on the mesh is a weighted sum of up to three vertices, here a list of (vertex, weight).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import COUNT, FLIP
from fkd.synthetic.frontal import SIDE, Vertices, average_adult, eye_centres, project_frontal
from fkd.synthetic.mesh import SKIN, load_mesh
from fkd.synthetic.raster import rasterize
from fkd.synthetic.vectors import length

Weighted = list[tuple[int, float]]

# Points that sit on named vertices of base.obj: (vertex, weight), the subject's right side and the
# middle; the left side is their mirror. Nose, eyes and lips were picked by hand on the mean head
# so that they fall where 300-W's annotators click.
ON_VERTICES: dict[int, Weighted] = {
    31: [(286, 1.0)],
    32: [(331, 0.5), (313, 0.5)],
    33: [(317, 1.0)],
    36: [(1062, 1.0)],
    37: [(1055, 1.0)],
    38: [(1073, 0.55), (1074, 0.45)],
    39: [(67, 0.5), (66, 0.5)],
    40: [(1070, 0.5), (1097, 0.5)],
    41: [(1068, 0.8), (1067, 0.2)],
    48: [(501, 1.0)],
    49: [(5351, 0.5), (451, 0.5)],
    50: [(460, 0.6), (457, 0.4)],
    51: [(466, 1.0)],
    57: [(496, 0.5), (492, 0.5)],
    58: [(490, 0.5), (486, 0.5)],
    59: [(478, 0.15), (406, 0.5), (480, 0.35)],
    60: [(446, 1.0)],
    61: [(514, 0.5), (522, 0.5)],
    62: [(537, 1.0)],
    66: [(493, 1.0)],
    67: [(481, 0.25), (487, 0.75)],
}
# The jaw's points are searched for outward from here, on the mean head, decimetres.
FACE_MIDDLE = np.array([0.0, 7.02, 0.5], np.float32)
JAW_STEPS = 32


@dataclass(frozen=True)
class Binding:
    """Positions on the mesh: vertices int (..., 3) and their weights float32 (..., 3)."""

    vertices: NDArray[np.intp]
    weights: NDArray[np.float32]

    def of(self, vertices: Vertices) -> Vertices:
        """The positions (..., 3) on vertices (V, 3)."""
        return np.asarray((vertices[self.vertices] * self.weights[..., None]).sum(axis=-2))


def bind_points(mean_shape: NDArray[np.float64]) -> tuple[Binding, Binding]:
    """Bindings of the 68 points (68,) and of the jaw points' paths (17, JAW_STEPS).

    They are found on the average adult. mean_shape: (68, 2), eye frame: the brows lie under it,
    and a jaw point lies in its direction. A path leads outward to the jaw's outline.
    """
    mesh, adult = load_mesh(), average_adult()
    bound: dict[int, Weighted] = {
        i: [(int(np.searchsorted(mesh.obj_index, v)), w) for v, w in weighted]
        for i, weighted in ON_VERTICES.items()
    }
    bound |= _nose_bridge(adult)
    skin = np.ascontiguousarray(mesh.triangles[mesh.material == SKIN])
    buffers = rasterize(project_frontal(adult), skin, SIDE, SIDE, True)
    shape = _in_frontal_pixels(mean_shape)
    for i in range(17, 22):
        bound[i] = _under(buffers, skin, shape[i])
    paths = [_jaw_path(buffers, skin, shape[i], i) for i in range(9)]
    for i, path in enumerate(paths):
        bound[i] = path[-1]
    mirror = _mirror_vertices()
    for i in list(bound):
        if FLIP[i] != i:
            bound[int(FLIP[i])] = [(mirror[v], w) for v, w in bound[i]]
    for i in range(9, 17):
        paths.append([[(mirror[v], w) for v, w in weighted] for weighted in paths[16 - i]])
    flat = _as_binding([weighted for path in paths for weighted in path])
    jaw = Binding(flat.vertices.reshape(17, -1, 3), flat.weights.reshape(17, -1, 3))
    return _as_binding([bound[i] for i in range(COUNT)]), jaw


def _as_binding(positions: list[Weighted]) -> Binding:
    vertices = np.zeros((len(positions), 3), np.intp)
    weights = np.zeros((len(positions), 3), np.float32)
    for i, weighted in enumerate(positions):
        for k, (vertex, weight) in enumerate(weighted):
            vertices[i, k], weights[i, k] = vertex, weight
    return Binding(vertices, weights)


def _nose_bridge(adult: Vertices) -> dict[int, Weighted]:
    """Points 27 to 29, evenly down the ridge of the nose from the eyes, and 30, its tip."""
    mesh = load_mesh()
    tip, ridge = _nose_ridge(adult)
    right, left = eye_centres()
    eye_distance = float(length(left - right))
    top = float(adult[mesh.left_eye | mesh.right_eye, 1].mean()) + 0.02 * eye_distance
    heights = [top + i / 3 * (adult[tip, 1] - top) for i in range(3)]
    bound = {27 + i: _at_height(ridge, adult, height) for i, height in enumerate(heights)}
    return {**bound, 30: [(tip, 1.0)]}


def _nose_ridge(adult: Vertices) -> tuple[int, list[int]]:
    """The vertex of the nose's tip, and the midline's front vertices from top to bottom."""
    mesh = load_mesh()
    skin = np.zeros(len(adult), bool)
    skin[mesh.triangles[mesh.material == SKIN].ravel()] = True
    middle = np.flatnonzero(skin & (np.abs(mesh.vertices[:, 0]) < 1e-4) & (adult[:, 2] > 1.2))
    low = middle[(adult[middle, 1] > 6.9) & (adult[middle, 1] < 7.2)]
    ridge = middle[(adult[middle, 2] > 1.3) & (adult[middle, 1] > 6.95) & (adult[middle, 1] < 7.7)]
    tip = int(low[np.argmax(adult[low, 2])])
    return tip, [int(i) for i in ridge[np.argsort(-adult[ridge, 1])]]


def _at_height(ridge: list[int], adult: Vertices, height: float) -> Weighted:
    """The position at a height on a line of vertices that goes down."""
    for above, below in pairwise(ridge):
        top, bottom = float(adult[above, 1]), float(adult[below, 1])
        if top >= height >= bottom:
            fraction = (top - height) / (top - bottom)
            return [(above, 1 - fraction), (below, fraction)]
    raise ValueError(f"the midline does not reach the height {height}")


def _in_frontal_pixels(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """A shape (68, 2) of the eye frame in pixels of the average adult's frontal photo."""
    right, left = project_frontal(np.stack(eye_centres()))[:, :2].astype(np.float64)
    return np.asarray(shape * (left[0] - right[0]) + (left + right) / 2)


def _under(
    buffers: tuple[NDArray, NDArray, NDArray], triangles: NDArray, pixel: NDArray
) -> Weighted:
    """The position on the mesh under a pixel (x, y); buffers: as `rasterize` returns them."""
    ids, weights, _ = buffers
    x, y = int(pixel[0]), int(pixel[1])
    u, v = (float(w) for w in weights[y, x])
    corners = triangles[ids[y, x]]
    return [(int(c), w) for c, w in zip(corners, (1 - u - v, u, v), strict=True)]


def _jaw_path(
    buffers: tuple[NDArray, NDArray, NDArray], triangles: NDArray, goal: NDArray, point: int
) -> list[Weighted]:
    """Positions outward in a jaw point's direction, up to the first occluding edge: the outline.

    goal: pixel (x, y) where the mean shape has the point.
    """
    ids, _, depth = buffers
    middle = project_frontal(FACE_MIDDLE)[:2].astype(np.float64)
    reach = float(length(goal - middle))
    direction = (goal - middle) / reach
    edge, before = 0.0, None
    for distance in np.arange(0.75 * reach, 1.6 * reach, 0.5):
        x, y = (int(value) for value in middle + direction * distance)
        if not (0 <= x < SIDE and 0 <= y < SIDE) or ids[y, x] < 0:
            break
        if before is not None and before - depth[y, x] > 0.035:
            break
        before, edge = float(depth[y, x]), float(distance)
    start = 0.35 if point < 6 else 0.75
    distances = np.linspace(start * reach, edge - 1, JAW_STEPS)
    return [_under(buffers, triangles, middle + direction * distance) for distance in distances]


def _mirror_vertices() -> list[int]:
    """For each vertex the one at its mirror image."""
    vertices = load_mesh().vertices
    mirrored = vertices * np.array([-1, 1, 1], np.float32)
    return [int(np.abs(vertices - position).sum(axis=1).argmin()) for position in mirrored]
