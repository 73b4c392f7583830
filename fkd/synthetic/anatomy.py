"""The mean head, and what is derived from it once a process."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.bindings import Binding, bind_points
from fkd.synthetic.frontal import Vertices, average_adult
from fkd.synthetic.mean_head import load_mean_head
from fkd.synthetic.mesh import LASH, SKIN, load_mesh
from fkd.synthetic.raster import rasterize, vertex_normals
from fkd.synthetic.texture import TEXTURE_SIZE
from fkd.synthetic.vectors import dot, length, transform

# Skin textures are mapped on a cylinder around the vertical axis x = 0, z = AXIS_Z: a texture's
# width covers TEXTURE_REACH radians to both sides of straight ahead, its height these heights on
# the head, decimetres.
AXIS_Z, TEXTURE_LOW, TEXTURE_HIGH = 0.35, 6.1, 8.3
TEXTURE_REACH = np.radians(130)
# Directions that the sky is sampled in, and the depth map for each: side and pixels per decimetre.
SKY_DIRECTIONS, SKY_SIDE, SKY_SCALE = 80, 512, 90


@dataclass(frozen=True)
class Anatomy:
    """mean: float32 (V, 3), the average adult moved by `fit`. points: binding (68,) of the points.
    jaw: binding (17, J) of the radial path along which each jaw point may move. texture: float32
    (V, 2), texture pixels. azimuth: float32 (V,), radians from straight ahead, positive to the
    subject's left. occlusion: float32 (V,), 1 where the whole sky is seen. surface: binding
    (TEXTURE_SIZE/2, TEXTURE_SIZE/2) of texture positions. solid: int32 (T, 3), triangles that
    hide, and solid_material: int8 (T,). lashes, scalp: triangles of the lashes and of where hair
    may grow.
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

    def from_texture(self, vertices: Vertices, uv: NDArray[np.float32]) -> Vertices:
        """The positions (K, 3) on vertices (V, 3) of texture pixels (K, 2)."""
        half = np.clip(uv / 2, 0, TEXTURE_SIZE // 2 - 1).astype(int)
        binding = Binding(
            self.surface.vertices[half[:, 1], half[:, 0]],
            self.surface.weights[half[:, 1], half[:, 0]],
        )
        return binding.of(vertices)


def fit_offsets(weights: dict[str, float]) -> Vertices:
    """What weights of a `MeanHead` do to the average adult, float32 (V, 3), decimetres; it fades
    out down the neck unless only face units move."""
    mesh, adult = load_mesh(), average_adult()
    offsets = np.zeros_like(adult)
    for name, weight in weights.items():
        if name.startswith("stretch/"):
            axis, sign = "xy".index(name[-2]), 1 if name[-1] == "+" else -1
            middle = _eye_middle(adult)
            offsets[:, axis] += 0.2 * sign * weight * (adult - middle)[:, axis]
        else:
            for target in name.split("+"):
                mesh.add_target(offsets, target, weight)
    if all(name.startswith("arkit/") for name in weights):
        return offsets
    return offsets * np.clip((adult[:, 1:2] - 5.6) / 0.6, 0, 1)


@cache
def load_anatomy() -> Anatomy:
    """Everything derived from the mesh and the fit of the mean head."""
    mesh, mean_head = load_mesh(), load_mean_head()
    fit = fit_offsets(mean_head.weights)
    mean = average_adult() + fit
    points, jaw = bind_points(mean_head.shape)
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
        azimuth=_azimuth(mean).astype(np.float32),
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


def _azimuth(positions: Vertices) -> NDArray[np.float64]:
    """Radians (...) from straight ahead around the axis; float32 arctangents differ between
    processors, these do not once they are rounded."""
    x, z = positions[..., 0].astype(np.float64), positions[..., 2].astype(np.float64)
    return np.asarray(np.arctan2(x, z - AXIS_Z))


def _texture_of(positions: Vertices) -> NDArray[np.float32]:
    """Texture pixels (..., 2) of positions (..., 3) around the mean head."""
    around = _azimuth(positions) / TEXTURE_REACH
    down = (TEXTURE_HIGH - positions[..., 1]) / (TEXTURE_HIGH - TEXTURE_LOW)
    return (np.stack([around * 0.5 + 0.5, down], axis=-1) * TEXTURE_SIZE).astype(np.float32)


def _texture_surface(mean: Vertices, texture: NDArray[np.float32], skin: NDArray) -> Binding:
    """The outermost skin under each texture pixel, at half resolution; gaps take the nearest."""
    across = texture[skin, 0]
    # Triangles at the back of the head, where the texture's left and right ends meet, are left out.
    whole = np.abs(across.max(axis=1) - across.min(axis=1)) < TEXTURE_SIZE * 0.4
    triangles = np.ascontiguousarray(skin[whole])
    outward = np.hypot(mean[:, 0], mean[:, 2] - AXIS_Z)[:, None]
    side = TEXTURE_SIZE // 2
    screen = np.concatenate([texture / 2, outward], axis=1).astype(np.float32)
    ids, weights, _ = rasterize(screen, triangles, side, side, False)
    empty = (ids < 0).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(empty == 0)
    pixel_of_label = np.zeros(labels.max() + 1, int)
    pixel_of_label[labels[rows, columns]] = np.arange(len(rows))
    nearest = pixel_of_label[labels]
    ids, weights = ids[rows, columns][nearest], weights[rows, columns][nearest]
    first = 1 - weights.sum(axis=-1, keepdims=True)
    return Binding(triangles[ids].astype(np.intp), np.concatenate([first, weights], axis=-1))


def _ambient_occlusion(mean: Vertices, solid: NDArray[np.int32]) -> NDArray[np.float32]:
    """The part of the sky that each vertex sees, cosine-weighted, from depth maps of directions."""
    normals = vertex_normals(mean, load_mesh().triangles)
    rng = np.random.default_rng(0)
    seen, weight = np.zeros(len(mean)), np.full(len(mean), 1e-6)
    for _ in range(SKY_DIRECTIONS):
        toward = rng.normal(size=3)
        toward /= length(toward)
        right = np.cross(toward, [0, 1, 0.01])
        right /= length(right)
        frame = np.stack([right, np.cross(toward, right), toward], axis=1)
        screen = transform(mean - mean.mean(axis=0), frame)
        screen[:, :2] = screen[:, :2] * SKY_SCALE + SKY_SIDE / 2
        _, _, depth = rasterize(screen.astype(np.float32), solid, SKY_SIDE, SKY_SIDE, False)
        x, y = np.clip(screen[:, :2].astype(int), 0, SKY_SIDE - 1).T
        facing = np.clip(dot(normals, toward), 0, 1)
        seen += facing * (screen[:, 2] > depth[y, x] - 0.04)
        weight += facing
    return np.asarray(seen / weight, np.float32)
