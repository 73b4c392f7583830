"""Where the 68 points lie on the mesh: on vertices, under a mean face, on the jaw's outline."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import COUNT, FLIP
from fkd.metrics import eye_frame
from fkd.synthetic.calibration import load_calibration
from fkd.synthetic.mesh import RACES, SKIN, load_mesh
from fkd.synthetic.raster import rasterise

Vertices = NDArray[np.float32]

# Points that sit on named vertices of base.obj: (vertex, weight), the subject's right side and the
# middle; the left side is their mirror. Nose, eyes and lips were picked on the mean head so that
# they fall where 300-W's annotators click.
ON_VERTICES: dict[int, list[tuple[int, float]]] = {
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
# The jaw's points are looked for outward from here, on the mean head.
FACE_MIDDLE = np.array([0.0, 7.02, 0.5], np.float32)
JAW_STEPS = 32
# Photos are taken from about here; from nearer the face looks narrower at the ears.
FRONTAL_DISTANCE = 9.0
FRONTAL_PIXELS, FRONTAL_SIDE = 600, 1400


@dataclass(frozen=True)
class Binding:
    """Places on the mesh: vertices int (..., 3) and their weights float32 (..., 3)."""

    vertices: NDArray[np.intp]
    weights: NDArray[np.float32]

    def of(self, vertices: Vertices) -> Vertices:
        """The places (..., 3) on vertices (V, 3)."""
        return np.asarray((vertices[self.vertices] * self.weights[..., None]).sum(axis=-2))


@cache
def average_adult() -> Vertices:
    """The mean over races and sexes of MakeHuman's young adults, float32 (V, 3)."""
    mesh = load_mesh()
    adult = mesh.vertices.copy()
    for sex in ("male", "female"):
        for race in RACES:
            mesh.add(adult, f"macro/{race}-{sex}-young", 1 / 6)
        mesh.add(adult, f"macro/universal-{sex}-young-averagemuscle-averageweight", 1 / 2)
    return adult


def frontal_shape(vertices: Vertices) -> NDArray[np.float64]:
    """The 68 points (68, 2) of a head seen from the front, in the eye frame."""
    points = bindings()[0].of(vertices)
    return eye_frame(_frontal(points)[:, :2].astype(np.float64))


def _frontal(places: Vertices) -> Vertices:
    """Pixels of a frontal photo of FRONTAL_SIDE squared, and depth, for places (..., 3)."""
    mesh, adult = load_mesh(), average_adult()
    centre = (adult[mesh.left_eye].mean(axis=0) + adult[mesh.right_eye].mean(axis=0)) / 2
    x, y, z = np.moveaxis(places - [centre[0], centre[1], 1.3], -1, 0)
    zoom = FRONTAL_PIXELS * FRONTAL_DISTANCE / (FRONTAL_DISTANCE - z)
    place = [x * zoom + FRONTAL_SIDE / 2, -y * zoom + FRONTAL_SIDE * 0.35, z]
    return np.stack(place, -1).astype(np.float32)


@cache
def bindings() -> tuple[Binding, Binding]:
    """Bindings of the 68 points and of the jaw's paths, found on the average adult."""
    mesh, adult = load_mesh(), average_adult()
    bound: dict[int, list[tuple[int, float]]] = {
        i: [(int(np.searchsorted(mesh.number, v)), w) for v, w in places]
        for i, places in ON_VERTICES.items()
    }
    tip, middle = _nose_ridge(adult)
    bridge_top = float(adult[mesh.left_eye | mesh.right_eye, 1].mean()) + 0.02 * _eye_distance()
    for i in range(3):
        bound[27 + i] = _between(middle, adult, bridge_top + i / 3 * (adult[tip, 1] - bridge_top))
    bound[30] = [(tip, 1.0)]
    skin = np.ascontiguousarray(mesh.triangles[mesh.material == SKIN])
    screen = _frontal(adult)
    hits = rasterise(screen, skin, FRONTAL_SIDE, FRONTAL_SIDE, True)
    shape = _mean_shape_pixels()
    for i in range(17, 22):
        bound[i] = _under(hits, skin, shape[i])
    paths = [_jaw_path(hits, skin, shape[i], i) for i in range(9)]
    for i, path in enumerate(paths):
        bound[i] = path[-1]
    mirror = _mirror_vertices()
    for i in list(bound):
        if FLIP[i] != i:
            bound[int(FLIP[i])] = [(mirror[v], w) for v, w in bound[i]]
    for i in range(9, 17):
        paths.append([[(mirror[v], w) for v, w in place] for place in paths[16 - i]])
    flat = _as_binding([place for path in paths for place in path])
    jaw = Binding(flat.vertices.reshape(17, -1, 3), flat.weights.reshape(17, -1, 3))
    return _as_binding([bound[i] for i in range(COUNT)]), jaw


def _as_binding(places: list[list[tuple[int, float]]]) -> Binding:
    vertices = np.zeros((len(places), 3), np.intp)
    weights = np.zeros((len(places), 3), np.float32)
    for i, place in enumerate(places):
        for k, (vertex, weight) in enumerate(place):
            vertices[i, k], weights[i, k] = vertex, weight
    return Binding(vertices, weights)


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


def _between(ridge: list[int], adult: Vertices, height: float) -> list[tuple[int, float]]:
    """The place on a line of vertices at a height."""
    for above, below in pairwise(ridge):
        top, bottom = float(adult[above, 1]), float(adult[below, 1])
        if top >= height >= bottom:
            share = (top - height) / (top - bottom)
            return [(above, 1 - share), (below, share)]
    raise ValueError(f"the midline does not reach the height {height}")


def _eye_distance() -> float:
    mesh, adult = load_mesh(), average_adult()
    apart = adult[mesh.left_eye].mean(axis=0) - adult[mesh.right_eye].mean(axis=0)
    return float(np.linalg.norm(apart))


def _mean_shape_pixels() -> NDArray[np.float64]:
    """The calibration's mean shape in pixels of the frontal photo."""
    mesh, adult = load_mesh(), average_adult()
    eyes = np.stack([adult[mesh.right_eye].mean(axis=0), adult[mesh.left_eye].mean(axis=0)])
    right, left = _frontal(eyes)[:, :2].astype(np.float64)
    return load_calibration().mean_shape * (left[0] - right[0]) + (left + right) / 2


def _under(
    hits: tuple[NDArray, NDArray, NDArray], triangles: NDArray, pixel: NDArray
) -> list[tuple[int, float]]:
    """The place on the mesh under a pixel (x, y)."""
    ids, weights, _ = hits
    x, y = int(pixel[0]), int(pixel[1])
    u, v = (float(w) for w in weights[y, x])
    corners = triangles[ids[y, x]]
    return [(int(c), w) for c, w in zip(corners, (1 - u - v, u, v), strict=True)]


def _jaw_path(
    hits: tuple[NDArray, NDArray, NDArray], triangles: NDArray, goal: NDArray, point: int
) -> list[list[tuple[int, float]]]:
    """Places outward to the jaw's outline in a jaw point's direction: the first occluding edge."""
    ids, _, depth = hits
    middle = _frontal(FACE_MIDDLE)[:2].astype(np.float64)
    reach = float(np.linalg.norm(goal - middle))
    direction = (goal - middle) / reach
    edge, before = 0.0, None
    for distance in np.arange(0.75 * reach, 1.6 * reach, 0.5):
        x, y = (int(value) for value in middle + direction * distance)
        if not (0 <= x < FRONTAL_SIDE and 0 <= y < FRONTAL_SIDE) or ids[y, x] < 0:
            break
        if before is not None and before - depth[y, x] > 0.035:
            break
        before, edge = float(depth[y, x]), float(distance)
    start = 0.35 if point < 6 else 0.75
    distances = np.linspace(start * reach, edge - 1, JAW_STEPS)
    return [_under(hits, triangles, middle + direction * distance) for distance in distances]


def _mirror_vertices() -> list[int]:
    """For each vertex the one at its mirror image."""
    vertices = load_mesh().vertices
    mirrored = vertices * np.array([-1, 1, 1], np.float32)
    return [int(np.abs(vertices - place).sum(axis=1).argmin()) for place in mirrored]
