"""The average adult, and heads seen from the front as on a portrait photo."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fkd.geometry.alignment import eye_frame
from fkd.synthetic.mesh import RACES, load_mesh

Vertices = NDArray[np.float32]

# Portraits are taken from about here, decimetres; from nearer the face looks narrower at the ears.
CAMERA_DISTANCE = 9.0
# Pixels per decimetre at the eyes' depth, side of the picture, and how far down the eyes are in it.
SCALE, SIDE, EYE_LEVEL = 600, 1400, 0.35
EYE_DEPTH = 1.3  # z of the plane that is seen at SCALE, decimetres


@cache
def average_adult() -> Vertices:
    """The mean over races and sexes of MakeHuman's young adults, float32 (V, 3)."""
    mesh = load_mesh()
    adult = mesh.vertices.copy()
    for sex in ("male", "female"):
        for race in RACES:
            mesh.add_target(adult, f"macro/{race}-{sex}-young", 1 / 6)
        mesh.add_target(adult, f"macro/universal-{sex}-young-averagemuscle-averageweight", 1 / 2)
    return adult


def eye_centres() -> tuple[Vertices, Vertices]:
    """Centres (3,) of the average adult's right and left eyeballs."""
    mesh, adult = load_mesh(), average_adult()
    return adult[mesh.right_eye].mean(axis=0), adult[mesh.left_eye].mean(axis=0)


def project_frontal(positions: Vertices) -> Vertices:
    """Pixels of a frontal photo of SIDE squared, and depth, for positions (..., 3)."""
    right, left = eye_centres()
    centre = (left + right) / 2
    x, y, z = np.moveaxis(positions - [centre[0], centre[1], EYE_DEPTH], -1, 0)
    scale = SCALE * CAMERA_DISTANCE / (CAMERA_DISTANCE - z)
    pixels = [x * scale + SIDE / 2, -y * scale + SIDE * EYE_LEVEL, z]
    return np.stack(pixels, -1).astype(np.float32)


def frontal_shape(points: Vertices) -> NDArray[np.float64]:
    """The 68 points of a head (68, 3) seen from the front, float64 (68, 2) in the eye frame."""
    return eye_frame(project_frontal(points)[:, :2].astype(np.float64))
