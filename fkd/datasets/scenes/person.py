"""Putting a person on a scene: which head, where, and what is before it and below."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.datasets.scenes.cover import cloth, draw_cover, jumbled
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import Materials, Picture
from fkd.geometry import Points
from fkd.geometry.boxes import POINTS_SIDE

FloatArray = NDArray[np.float32]
# A head is not enlarged by more than this where there are sharper ones.
LARGEST_ZOOM = 1.5
# How often a face is asked to lie inside the scene, and may lie on others; of how many random
# places it takes the first that is clear.
WHOLLY_INSIDE, OVERLAPPING, TRIES = 0.85, 0.2, 8
# The outline of a body, about the middle of the face, in sides of its box: neck, shoulder, arm.
HALF_BODY = np.array([[0.3, 0.6], [0.45, 0.95], [1.15, 1.2], [1.4, 1.7], [1.5, 4.0]])
BODY = np.concatenate([HALF_BODY, HALF_BODY[::-1] * (-1, 1)])


@dataclass
class Layers:
    """A scene while it is put together. pixels: float32 (S, S), 0..255. top: int16 (S, S), the
    number of the person who is seen there, -1 for none."""

    pixels: FloatArray
    top: NDArray[np.int16]


@dataclass(frozen=True)
class Person:
    """Somebody who is to be put on a scene. head: float32 (H, W, 2), pixels 0..255 and alpha.
    transform: (2, 3), pixels of the head to those of the scene. middle: of the face, (2,), and
    face_side: of its box, scene pixels. outline: of the body, (N, 2), scene pixels, None for no
    body. points: float32 (68, 2), scene pixels, None for one who shows no face. yaw: degrees."""

    head: FloatArray
    transform: NDArray[np.float64]
    middle: NDArray[np.float64]
    face_side: float
    outline: NDArray[np.float64] | None
    points: Points | None
    yaw: float


def choose_person(
    rng: Generator,
    materials: Materials,
    params: SceneParams,
    face_side: float,
    others: Sequence[Person],
) -> Person:
    """A random person whose face's box has this side, among the others."""
    real = bool(materials.portraits) and rng.random() < params.portrait_prob
    head, head_side = _pick(rng, materials.portraits if real else materials.heads, face_side)
    pixels, alpha = head.pixels.astype(np.float32), head.alpha
    assert alpha is not None
    points = head.points
    if points is not None and rng.random() < params.jumbled_prob:
        pixels, points = jumbled(rng, pixels, points), None
    elif points is not None and rng.random() < params.hidden_prob:
        draw_cover(rng, pixels, alpha, points, materials.backgrounds)
    target = _place(rng, params, face_side, others)
    transform = _placement(rng, params, face_side / head_side, _middle(head), target)
    outline = None
    if rng.random() < params.body_prob:
        outline = _body_outline(rng, transform, _middle(head), head_side)
    gain = np.float32(np.exp(rng.normal(0, 0.15)))
    layers = np.dstack([pixels * gain, alpha.astype(np.float32)])
    if points is not None:
        points = (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)
    return Person(layers, transform, target, face_side, outline, points, head.yaw)


def draw_people(
    rng: Generator, layers: Layers, people: Sequence[Person], backgrounds: Sequence[Picture]
) -> None:
    """Put people on a scene, the last on top, numbered from 0. All bodies come before the heads:
    otherwise nearer bodies hide most of the faces."""
    for number, person in enumerate(people):
        if person.outline is not None:
            draw_body(rng, layers, person.outline, backgrounds, number)
    for number, person in enumerate(people):
        _draw(layers, person.head, person.transform, number)


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


def _place(
    rng: Generator, params: SceneParams, face_side: float, others: Sequence[Person]
) -> NDArray[np.float64]:
    """Where the middle of a face goes, scene pixels (2,): anywhere, mostly inside and mostly clear
    of the others."""
    margin = -0.02 * params.side
    if rng.random() < WHOLLY_INSIDE:
        margin = min(0.5 * face_side, 0.5 * params.side)
    tries = rng.uniform(margin, params.side - margin, (TRIES, 2))
    if not others or rng.random() < OVERLAPPING:
        return np.asarray(tries[0])
    middles = np.stack([other.middle for other in others])
    reach = (np.array([other.face_side for other in others]) + face_side) / 2
    apart = np.abs(tries[:, None] - middles).max(axis=2) / reach
    return np.asarray(tries[int(apart.min(axis=1).clip(max=1).argmax())])


def _placement(
    rng: Generator,
    params: SceneParams,
    zoom: float,
    middle: NDArray[np.float64],
    target: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Head pixels to scene pixels, (2, 3): zoomed, turned, the head's middle at the target."""
    turn = np.radians(
        rng.uniform(-180, 180)
        if rng.random() < params.any_roll_prob
        else rng.normal(0, params.roll_std)
    )
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, target - linear @ middle])


def _middle(head: Picture) -> NDArray[np.float64]:
    """The middle of a head's face (2,), its pixels."""
    points = np.full((1, 2), len(head.pixels) / 2) if head.points is None else head.points
    return np.asarray(points.mean(axis=0), np.float64)


def _body_outline(
    rng: Generator, transform: NDArray[np.float64], middle: NDArray[np.float64], side: float
) -> NDArray[np.float64]:
    """A body's outline in the scene, below a head whose face has its middle there and a box of this
    side in the head's picture."""
    outline = BODY * rng.uniform(0.8, 1.2, 2) + rng.normal(0, 0.05, BODY.shape)
    return (outline * side + middle) @ transform[:, :2].T + transform[:, 2]


def draw_body(
    rng: Generator,
    layers: Layers,
    outline: NDArray[np.float64],
    backgrounds: Sequence[Picture],
    number: int,
) -> None:
    """Put something clothed with this outline (N, 2), pixels, on the scene."""
    mask = np.zeros(layers.pixels.shape, np.uint8)
    far = 8 * len(mask)  # beyond that OpenCV's fixed-point coordinates overflow
    corners = np.round(np.clip(outline, -far, far) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, shift=4)
    cover = mask.astype(np.float32) / 255
    layers.pixels *= 1 - cover
    layers.pixels += cover * cloth(rng, backgrounds, len(mask))
    layers.top[mask > 127] = number


def _draw(layers: Layers, head: FloatArray, transform: NDArray[np.float64], number: int) -> None:
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
