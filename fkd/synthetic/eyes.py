"""Shading the eyeballs: white, iris, pupil and the light sources' reflections."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.mesh import load_mesh
from fkd.synthetic.shot import Shot
from fkd.synthetic.vectors import dot, length, normalize, transform


def shade_eyes(
    rng: Generator, shot: Shot, positions: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Albedo and specular light (P,) of the eyeballs at rotated positions (P, 3).

    Radii of iris and pupil are decimetres along the eyeball.
    """
    mesh, person, view = load_mesh(), shot.head.person, shot.head.view
    iris = rng.uniform(0.052, 0.068)
    pupil = iris * rng.uniform(0.25, 0.6)
    colour, white = rng.uniform(0.02, 0.4), rng.uniform(0.4, 0.85)
    albedo = np.zeros(len(positions), np.float32)
    specular = np.zeros(len(positions), np.float32)
    left = dot(positions - view.rotate(np.zeros(3, np.float32)), view.rotation[:, 0]) > 0
    for eyeball, mine in ((mesh.left_eye, left), (mesh.right_eye, ~left)):
        rest = person.vertices[eyeball]
        low, high = rest.min(axis=0), rest.max(axis=0)
        radius = float((high - low).max()) / 2
        gaze = np.array([person.gaze[0] + rng.normal(0, 0.02), person.gaze[1], 1.0])
        gaze = transform((gaze / length(gaze)).astype(np.float32), view.rotation.T)
        outward = normalize(positions[mine] - view.rotate((low + high) / 2))
        away = np.arccos(np.clip(dot(outward, gaze), -1, 1)) * radius
        ring = colour * (0.7 + 0.6 * away / iris) * np.where(away > iris * 0.88, 0.5, 1)
        sclera = white * (1 - 0.25 * np.clip((away - iris) / 0.1, 0, 1))
        shade = np.where(away < pupil, 0.01, np.where(away < iris, ring, sclera))
        albedo[mine] = shade * shot.appearance.albedo**0.25
        for source in shot.lighting.sources:
            mirrored = dot(outward, source.half_vector) > rng.uniform(0.985, 0.997)
            specular[mine] += source.strength * mirrored
    return albedo, specular
