"""The mean head, and what is derived from it once a process."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.bindings import Binding, Vertices, average_adult, bindings
from fkd.synthetic.calibration import load_calibration
from fkd.synthetic.mesh import LASH, SKIN, load_mesh
from fkd.synthetic.raster import rasterise, vertex_normals

# Skin textures are painted on a cylinder around this vertical axis; below and above are its ends.
AXIS_Z, TEXTURE_LOW, TEXTURE_HIGH = 0.35, 6.1, 8.3
TEXTURE_REACH = np.radians(130)
TEXTURE_SIZE = 512


@dataclass(frozen=True)
class Anatomy:
    """mean: float32 (V, 3), the average adult moved by `fit`. points: binding of the 68. jaw:
    binding (17, J) of the radial path along which each jaw point may move. texture: float32
    (V, 2), texture pixels. azimuth: float32 (V,), radians from straight ahead. occlusion: float32
    (V,), 1 where the whole sky is seen. surface: binding (TEXTURE_SIZE/2 squared) of texture
    places. solid: triangles that hide; lashes: those of the lashes; scalp: where hair may grow.
    """

    mean: Vertices
    fit: Vertices
    points: Binding
    jaw: Binding
    texture: NDArray[np.float32]
    azimuth: NDArray[np.float32]
    occlusion: NDArray[np.float32]
    surface: Binding
    solid: NDArray[np.int32]
    solid_material: NDArray[np.int8]
    lashes: NDArray[np.int32]
    scalp: NDArray[np.int32]

    def on_texture(self, point_numbers: slice) -> NDArray[np.float32]:
        """Where some of the 68 points lie in the texture, float32 (K, 2)."""
        return _texture_of(self.points.of(self.mean)[point_numbers])

    def from_texture(self, vertices: Vertices, places: NDArray[np.float32]) -> Vertices:
        """The places (K, 3) on vertices (V, 3) of texture pixels (K, 2)."""
        half = np.clip(places / 2, 0, TEXTURE_SIZE // 2 - 1).astype(int)
        binding = Binding(
            self.surface.vertices[half[:, 1], half[:, 0]],
            self.surface.weights[half[:, 1], half[:, 0]],
        )
        return binding.of(vertices)


def fit_offsets(weights: dict[str, float]) -> Vertices:
    """What calibration weights do to the head, float32 (V, 3); it fades out down the neck."""
    mesh, adult = load_mesh(), average_adult()
    offsets = np.zeros_like(adult)
    for name, weight in weights.items():
        if name.startswith("stretch/"):
            axis, sign = "xy".index(name[-2]), 1 if name[-1] == "+" else -1
            middle = _eye_middle(adult)
            offsets[:, axis] += 0.2 * sign * weight * (adult - middle)[:, axis]
        else:
            for target in name.split("+"):
                mesh.add(offsets, target, weight)
    if all(name.startswith("arkit/") for name in weights):
        return offsets
    return offsets * np.clip((adult[:, 1:2] - 5.6) / 0.6, 0, 1)


@cache
def load_anatomy() -> Anatomy:
    """Everything derived from the mesh and the calibration."""
    mesh = load_mesh()
    fit = fit_offsets(load_calibration().weights)
    mean = average_adult() + fit
    points, jaw = bindings()
    texture = _texture_of(mean)
    skin = mesh.triangles[mesh.material == SKIN]
    solid = np.ascontiguousarray(mesh.triangles[mesh.material != LASH])
    hairy = (
        (mean[skin, 1].min(axis=1) > 6.2)
        & (mesh.ears[skin].max(axis=1) < 0.3)
        & (mesh.inner_mouth[skin].max(axis=1) < 0.5)
    )
    return Anatomy(
        mean=mean,
        fit=fit,
        points=points,
        jaw=jaw,
        texture=texture,
        azimuth=np.arctan2(mean[:, 0], mean[:, 2] - AXIS_Z).astype(np.float32),
        occlusion=_ambient_occlusion(mean, solid),
        surface=_texture_surface(mean, texture, skin),
        solid=solid,
        solid_material=mesh.material[mesh.material != LASH],
        lashes=np.ascontiguousarray(mesh.triangles[mesh.material == LASH]),
        scalp=np.ascontiguousarray(skin[hairy]),
    )


def _eye_middle(vertices: Vertices) -> Vertices:
    """Between the eyeballs, at the depth of the lids."""
    mesh = load_mesh()
    height = float(vertices[mesh.left_eye | mesh.right_eye, 1].mean())
    return np.array([0.0, height, 1.2], np.float32)


def _texture_of(places: Vertices) -> NDArray[np.float32]:
    """Texture pixels (..., 2) of places (..., 3) around the mean head."""
    around = np.arctan2(places[..., 0], places[..., 2] - AXIS_Z) / TEXTURE_REACH
    down = (TEXTURE_HIGH - places[..., 1]) / (TEXTURE_HIGH - TEXTURE_LOW)
    return (np.stack([around * 0.5 + 0.5, down], axis=-1) * TEXTURE_SIZE).astype(np.float32)


def _texture_surface(mean: Vertices, texture: NDArray[np.float32], skin: NDArray) -> Binding:
    """The outermost skin under each texture place, at half resolution; gaps take the nearest."""
    across = texture[skin, 0]
    whole = np.abs(across.max(axis=1) - across.min(axis=1)) < TEXTURE_SIZE * 0.4
    triangles = np.ascontiguousarray(skin[whole])
    outward = np.hypot(mean[:, 0], mean[:, 2] - AXIS_Z)[:, None]
    side = TEXTURE_SIZE // 2
    screen = np.concatenate([texture / 2, outward], axis=1).astype(np.float32)
    ids, weights, _ = rasterise(screen, triangles, side, side, False)
    empty = (ids < 0).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(empty == 0)
    filled = np.zeros(labels.max() + 1, int)
    filled[labels[rows, columns]] = np.arange(len(rows))
    nearest = filled[labels]
    ids, weights = ids[rows, columns][nearest], weights[rows, columns][nearest]
    first = 1 - weights.sum(axis=-1, keepdims=True)
    return Binding(triangles[ids].astype(np.intp), np.concatenate([first, weights], axis=-1))


def _ambient_occlusion(mean: Vertices, solid: NDArray[np.int32]) -> NDArray[np.float32]:
    """The share of the sky that each vertex sees, from depth maps of 80 directions."""
    normals = vertex_normals(mean, load_mesh().triangles)
    rng = np.random.default_rng(0)
    seen, weight = np.zeros(len(mean)), np.full(len(mean), 1e-6)
    for _ in range(80):
        toward = rng.normal(size=3)
        toward /= np.linalg.norm(toward)
        right = np.cross(toward, [0, 1, 0.01])
        right /= np.linalg.norm(right)
        frame = np.stack([right, np.cross(toward, right), toward], axis=1)
        screen = (mean - mean.mean(axis=0)) @ frame
        screen[:, :2] = screen[:, :2] * 90 + 256
        _, _, depth = rasterise(screen.astype(np.float32), solid, 512, 512, False)
        x, y = np.clip(screen[:, :2].astype(int), 0, 511).T
        facing = np.clip(normals @ toward, 0, 1)
        seen += facing * (screen[:, 2] > depth[y, x] - 0.04)
        weight += facing
    return np.asarray(seen / weight, np.float32)
