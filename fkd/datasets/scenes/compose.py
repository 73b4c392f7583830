"""Putting a scene together. It depends on the random generator alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.datasets.scenes.camera import photographed
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.person import Layers, Person, choose_person, draw_people
from fkd.datasets.scenes.store import Materials, Picture
from fkd.geometry import Image, Points
from fkd.geometry.roll import FivePoints, five_points, roll_of, upright_square

FloatArray = NDArray[np.float32]
LARGEST_CROWD = 12
# Of a face's 68 points, the fraction that must be seen for it to be one; below the second it is
# none, and between them the training does not ask.
SEEN, UNSEEN = 0.55, 0.15


@dataclass(frozen=True)
class Scene:
    """grey: uint8 (S, S). faces: float32 (F, 3), centre x, y of the square around a face's points
    as they are upright, and the side of its box, pixels. five: float32 (F, 5, 2), `five_points`.
    yaws: float32 (F,), degrees. certain: bool (F,), False for faces too small or too hidden to say
    whether they are.
    """

    grey: Image
    faces: FloatArray
    five: FivePoints
    yaws: FloatArray
    certain: NDArray[np.bool_]


def compose(rng: Generator, materials: Materials, params: SceneParams) -> Scene:
    """A random scene."""
    ground = _background(rng, materials.backgrounds, params.side)
    layers = Layers(ground, np.full(ground.shape, -1, np.int16))
    people: list[Person] = []
    # The nearest, whose faces are the largest, come last.
    for face_side in sorted(_sides(rng, params)):
        people.append(choose_person(rng, materials, params, face_side, people))
    draw_people(rng, layers, people, materials.backgrounds)
    pixels, inside = photographed(rng, layers.pixels, params)
    layers.top[~inside] = -2
    return _labelled(pixels, people, layers.top, params.smallest_face)


def compose_many(materials: Materials, params: SceneParams, count: int, seed: int) -> list[Scene]:
    """Random scenes, each of which depends on the seed and its number alone."""
    return [
        compose(np.random.default_rng([seed, number]), materials, params) for number in range(count)
    ]


def _sides(rng: Generator, params: SceneParams) -> list[float]:
    """The sides of the boxes of a scene's people, even in their logarithm."""
    if rng.random() < params.empty_prob:
        return []
    smallest, largest = (
        np.log(0.75 * params.smallest_face),
        np.log(params.largest_face * params.side),
    )
    if rng.random() < params.crowd_prob:
        count = int(rng.integers(4, LARGEST_CROWD + 1))
        middle = rng.uniform(smallest, smallest + 0.7 * (largest - smallest))
        return [float(s) for s in np.exp(rng.normal(middle, 0.2, count))]
    count = min(1 + int(rng.poisson(params.more_people_mean)), LARGEST_CROWD)
    return [float(s) for s in np.exp(rng.uniform(smallest, largest, count))]


def _background(rng: Generator, backgrounds: Sequence[Picture], side: int) -> FloatArray:
    """A random part of a random background, float32 (side, side), 0..255."""
    picture = backgrounds[int(rng.integers(len(backgrounds)))].pixels
    cut = round(min(picture.shape) * float(np.exp(rng.uniform(np.log(0.25), 0))))
    cut = min(max(cut, min(side, *picture.shape)), *picture.shape)
    y, x = (int(rng.integers(length - cut + 1)) for length in picture.shape)
    part = picture[y : y + cut, x : x + cut]
    part = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if rng.random() < 0.1:
        part = np.rot90(part, int(rng.integers(4)))
    return np.ascontiguousarray(part * np.float32(rng.uniform(0.6, 1.1)))


def _labelled(
    grey: Image,
    people: Sequence[Person],
    top: NDArray[np.int16],
    smallest: float,
) -> Scene:
    """The scene with the faces that can be seen."""
    faces, five, yaws, certain = [], [], [], []
    for number, person in enumerate(people):
        if person.points is None:
            continue
        seen = _seen(person.points, top, number)
        if seen < UNSEEN:
            continue
        five.append(five_points(person.points))
        faces.append(upright_square(person.points, roll_of(five[-1])))
        yaws.append(person.yaw)
        certain.append(seen >= SEEN and faces[-1][2] >= smallest)
    return Scene(
        grey,
        np.array(faces, np.float32).reshape(-1, 3),
        np.array(five, np.float32).reshape(-1, 5, 2),
        np.array(yaws, np.float32),
        np.array(certain, np.bool_),
    )


def _seen(points: Points, top: NDArray[np.int16], number: int) -> float:
    """The fraction of a face's points where its person is on top, inside the picture."""
    middle = points.mean(axis=0)
    # A little further in: the jaw's points lie where the person ends.
    whole = np.round(middle + (points - middle) * 0.85).astype(int)
    inside = ((whole >= 0) & (whole < top.shape[::-1])).all(axis=1)
    columns, rows = whole[inside].T
    return float((top[rows, columns] == number).sum() / len(points))
