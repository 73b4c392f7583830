"""All that is decided about a photo before its first pixel: the head, its looks, the light."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.camera import View, skinning_weights
from fkd.synthetic.hair import HairStyle
from fkd.synthetic.light import Lighting
from fkd.synthetic.mesh import load_mesh
from fkd.synthetic.person import Person
from fkd.synthetic.raster import vertex_normals
from fkd.synthetic.skin import SkinTexture

# Columns of the vertex attributes that every piece of the head is rendered with. MEAN_POSITION is
# the vertex's position on the mean head, decimetres.
NORMAL, POSITION, UV, MEAN_POSITION = slice(0, 3), slice(3, 6), slice(6, 8), slice(8, 11)
MEAN_HEIGHT = 9
OCCLUSION, LIPS, INNER_MOUTH, AZIMUTH, EARS = range(11, 16)


@dataclass(frozen=True)
class PosedHead:
    """A person before the camera. vertices: float32 (V, 3), rotated. normals: float32 (V, 3).
    attributes: float32 (V, 16), by the columns above.
    """

    person: Person
    anatomy: Anatomy
    view: View
    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    attributes: NDArray[np.float32]


@dataclass(frozen=True)
class Appearance:
    """What a person's surfaces look like. albedo: of the skin, 0..1."""

    albedo: float
    texture: SkinTexture
    hair: HairStyle


@dataclass(frozen=True)
class Shot:
    """A photo to be rendered; side: of the square picture, pixels."""

    head: PosedHead
    appearance: Appearance
    lighting: Lighting
    side: int


def pose_head(person: Person, view: View, anatomy: Anatomy) -> PosedHead:
    """The head rotated, with what the renderer needs at each vertex."""
    mesh = load_mesh()
    rotated = view.rotate(person.vertices, skinning_weights(anatomy))
    normals = vertex_normals(rotated, mesh.triangles)
    scalars = (anatomy.occlusion, mesh.lips, mesh.inner_mouth, anatomy.azimuth, mesh.ears)
    parts = [normals, rotated, anatomy.texture, anatomy.mean, np.stack(scalars, axis=1)]
    attributes = np.concatenate(parts, axis=1).astype(np.float32)
    return PosedHead(person, anatomy, view, rotated, normals, attributes)
