"""Putting a scene together. It depends on the random generator alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.datasets.scenes.camera import photographed
from fkd.datasets.scenes.cover import draw_cover, jumbled
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import Picture
from fkd.geometry import Image, Points
from fkd.geometry.boxes import POINTS_SIDE
from fkd.geometry.roll import FivePoints, five_points, roll_of, upright_square

FloatArray = NDArray[np.float32]
LARGEST_CROWD = 12
# A head is not enlarged by more than this where there are sharper ones.
LARGEST_ZOOM = 1.5
# Of a face's 68 points, the fraction that must be seen for it to be one; below the second it is
# none, and between them the training does not ask.
SEEN, UNSEEN = 0.55, 0.15


@dataclass(frozen=True)
class Scene:
    """grey: uint8 (S, S). faces: float32 (F, 3), centre x, y of the square around a face's points
    as they are upright, and the side of its box, pixels. five: float32 (F, 5, 2), `five_points`.
    certain: bool (F,), False for faces too small or too hidden to say whether they are.
    """

    grey: Image
    faces: FloatArray
    five: FivePoints
    certain: NDArray[np.bool_]


@dataclass
class _Layers:
    """A scene while it is put together. pixels: float32 (S, S), 0..255. top: int16 (S, S), the
    number of the person who is seen there, -1 for none."""

    pixels: FloatArray
    top: NDArray[np.int16]


def compose(
    rng: Generator, heads: Sequence[Picture], backgrounds: Sequence[Picture], params: SceneParams
) -> Scene:
    """A random scene."""
    side = params.side
    layers = _Layers(_background(rng, backgrounds, side), np.full((side, side), -1, np.int16))
    placed: list[tuple[int, Points]] = []
    for number, face_side in enumerate(sorted(_sides(rng, params))):
        points = _add_person(rng, heads, backgrounds, params, layers, number, face_side)
        if points is not None:
            placed.append((number, points))
    pixels, inside = photographed(rng, layers.pixels, params)
    layers.top[~inside] = -2
    return _labelled(pixels, placed, layers.top, params.smallest_face)


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
    return np.ascontiguousarray(part * np.float32(rng.uniform(0.5, 1.2)))


def _add_person(
    rng: Generator,
    heads: Sequence[Picture],
    backgrounds: Sequence[Picture],
    params: SceneParams,
    layers: _Layers,
    number: int,
    face_side: float,
) -> Points | None:
    """Draw a head; the points of its face in the scene, None when it shows none."""
    head, head_side = _pick(rng, heads, face_side)
    pixels, alpha = head.pixels.astype(np.float32), head.alpha
    assert alpha is not None
    points = head.points
    if points is not None and rng.random() < params.jumbled_prob:
        pixels, points = jumbled(rng, pixels, points), None
    elif points is not None and rng.random() < params.hidden_prob:
        draw_cover(rng, pixels, alpha, points, backgrounds)
    transform = _placement(rng, params, face_side / head_side, head)
    gain = np.float32(np.exp(rng.normal(0, 0.25)))
    _draw(layers, np.dstack([pixels * gain, alpha.astype(np.float32)]), transform, number)
    if points is None:
        return None
    return (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)


def _pick(rng: Generator, heads: Sequence[Picture], face_side: float) -> tuple[Picture, float]:
    """A random head that is sharp enough for this side, and the side of its own box."""
    best: tuple[Picture, float] | None = None
    for _ in range(8):
        head = heads[int(rng.integers(len(heads)))]
        side = _box_side(head)
        if best is None or side > best[1]:
            best = head, side
        if side * LARGEST_ZOOM >= face_side:
            return head, side
    assert best is not None
    return best


def _box_side(head: Picture) -> float:
    """Side of the box of a head; of one that shows no face, what it would be about."""
    if head.points is None:
        return 0.45 * len(head.pixels)
    return float(np.ptp(head.points, axis=0).max()) / POINTS_SIDE


def _placement(
    rng: Generator, params: SceneParams, zoom: float, head: Picture
) -> NDArray[np.float64]:
    """Head pixels to scene pixels, (2, 3): zoomed, turned, perhaps mirrored, anywhere."""
    turn = np.radians(
        rng.uniform(-180, 180)
        if rng.random() < params.any_roll_prob
        else rng.normal(0, params.roll_std)
    )
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    size = len(head.pixels)
    middle = np.full(2, size / 2) if head.points is None else head.points.mean(axis=0)
    target = rng.uniform(-0.02, 1.02, 2) * params.side
    return np.column_stack([linear, target - linear @ middle])


def _draw(layers: _Layers, head: FloatArray, transform: NDArray[np.float64], number: int) -> None:
    """Put a head, float32 (H, W, 2) of pixels and alpha, on the scene."""
    corners = np.array([[0, 0], [len(head), 0], [0, len(head)], [len(head), len(head)]])
    reached = corners @ transform[:, :2].T + transform[:, 2]
    side = len(layers.pixels)
    left, top = (int(v) for v in np.clip(np.floor(reached.min(axis=0)), 0, side))
    right, bottom = (int(v) for v in np.clip(np.ceil(reached.max(axis=0)) + 1, 0, side))
    if left >= right or top >= bottom:
        return
    moved = transform - np.array([[0, 0, left], [0, 0, top]])
    warped = _warp(head, moved, (right - left, bottom - top))
    cover = warped[..., 1] / 255
    part = np.s_[top:bottom, left:right]
    layers.pixels[part] *= 1 - cover
    layers.pixels[part] += np.minimum(warped[..., 0], 255 * cover)
    layers.top[part][cover > 0.5] = number


def _warp(head: FloatArray, transform: NDArray[np.float64], size: tuple[int, int]) -> FloatArray:
    """The head in the scene's frame; what shrinks is averaged first, against aliasing."""
    zoom = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    if zoom < 0.6:
        height, width = (max(2, round(length * zoom * 1.25)) for length in head.shape[:2])
        ratio = np.array([width / head.shape[1], height / head.shape[0]])
        smaller = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)
        head = np.asarray(smaller, np.float32)
        # Pixel centres are at integers: x' + 0.5 = (x + 0.5) * ratio.
        linear = transform[:, :2] / ratio
        transform = np.column_stack([linear, transform[:, 2] + linear @ (0.5 - ratio / 2)])
    return np.asarray(cv2.warpAffine(head, transform, size, flags=cv2.INTER_LINEAR))


def _labelled(
    grey: Image,
    placed: list[tuple[int, Points]],
    top: NDArray[np.int16],
    smallest: float,
) -> Scene:
    """The scene with the faces that can be seen."""
    faces, five, certain = [], [], []
    for number, points in placed:
        seen = _seen(points, top, number)
        if seen < UNSEEN:
            continue
        five.append(five_points(points))
        faces.append(upright_square(points, roll_of(five[-1])))
        certain.append(seen >= SEEN and faces[-1][2] >= smallest)
    return Scene(
        grey,
        np.array(faces, np.float32).reshape(-1, 3),
        np.array(five, np.float32).reshape(-1, 5, 2),
        np.array(certain, np.bool_),
    )


def _seen(points: Points, top: NDArray[np.int16], number: int) -> float:
    """The fraction of the points where this person is on top, inside the picture."""
    middle = points.mean(axis=0)
    # A little further in: the jaw's points lie where the person ends.
    whole = np.round(middle + (points - middle) * 0.85).astype(int)
    inside = ((whole >= 0) & (whole < top.shape[::-1])).all(axis=1)
    columns, rows = whole[inside].T
    return float((top[rows, columns] == number).sum() / len(points))
