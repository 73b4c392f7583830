"""Composed scenes: what is drawn lies where the labels say, and what cannot be seen is no face."""

import numpy as np
import pytest
from crafted_scenes import PARAMS, PLAIN, circle, disc, dotted, even, portrait

from fkd.datasets.scenes.compose import Scene, compose
from fkd.datasets.scenes.cover import draw_cover, jumbled
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.person import Layers, Person, draw_people
from fkd.datasets.scenes.portraits import Portraits
from fkd.datasets.scenes.store import Materials, Picture

MATERIALS = Materials([disc()], [even()])


def scenes(count: int, params: SceneParams, materials: Materials = MATERIALS) -> list[Scene]:
    return [compose(np.random.default_rng(i), materials, params) for i in range(count)]


def inside(places: np.ndarray, margin: float) -> bool:
    return bool((places > margin).all() and (places < PLAIN.side - 1 - margin).all())


def centre_of_light(grey: np.ndarray, place: np.ndarray, radius: float) -> np.ndarray:
    """Of what is brighter than its surroundings, about a place (x, y)."""
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    away = np.hypot(columns - place[0], rows - place[1])
    light = np.where(away < radius, grey.astype(float) - np.median(grey[away < radius]), 0).clip(0)
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


def check_discs(composed: list[Scene], diameter: int, brightness: int) -> None:
    """Each face lies on a disc that is brighter than this and has this diameter where the square of
    its points is 48 wide."""
    found = 0
    for scene in composed:
        for (x, y, side), certain in zip(scene.faces, scene.certain, strict=True):
            bright = np.argwhere(scene.grey > brightness)[:, ::-1]
            if certain and inside(bright, 0):
                middle = (bright.min(axis=0) + bright.max(axis=0)) / 2
                assert np.abs(middle - (x, y)).max() < 1.5
                # The disc's diameter over the points' square, and that over the box.
                width = np.ptp(bright[:, 0]) + 1
                assert width == pytest.approx(side * 0.88 * diameter / 48, rel=0.08)
                found += 1
    assert found >= 5


def test_a_scene_has_its_faces_where_it_says():
    check_discs(scenes(30, PLAIN.model_copy(update={"smallest_face": 16})), 80, 80)


def test_each_of_the_five_points_lies_on_its_dot_of_a_head_turned_any_way():
    params = PLAIN.model_copy(
        update={"smallest_face": 50.0, "largest_face": 1.0, "any_roll_prob": 1.0}
    )
    zooms = []
    for scene in scenes(40, params, Materials([dotted()], [even()])):
        for five, (_, _, side) in zip(scene.five, scene.faces, strict=True):
            zoom = side * 0.88 / 120
            if not inside(five, 12 * zoom):
                continue
            zooms.append(zoom)
            found = [centre_of_light(scene.grey, place, 10 * zoom) for place in five]
            np.testing.assert_allclose(found, five, atol=0.35)
            light = [scene.grey[round(y), round(x)] for x, y in found]
            assert light == sorted(light, reverse=True)
    assert len(zooms) > 10 and min(zooms) < 0.5 and max(zooms) > 0.65


def test_most_faces_lie_clear_of_one_another():
    params = PLAIN.model_copy(
        update={"more_people_mean": 3.0, "largest_face": 0.35, "smallest_face": 16.0}
    )
    rng = np.random.default_rng(0)
    ours, by_chance = [], []
    for scene in scenes(100, params):
        if len(scene.faces) > 1:
            sides = scene.faces[:, 2]
            anywhere = rng.uniform(sides / 2, params.side - sides / 2, (2, len(sides))).T
            ours += overlapping(scene.faces[:, :2], sides)
            by_chance += overlapping(anywhere, sides)
    assert np.mean(ours) < 0.2 and np.mean(ours) < 0.7 * np.mean(by_chance)


def overlapping(middles: np.ndarray, sides: np.ndarray) -> list[bool]:
    """Whether each of some squares overlaps another."""
    apart = np.abs(middles[:, None] - middles).max(axis=-1)
    return list((apart < (sides[:, None] + sides) / 2).sum(axis=1) > 1)


def person(x: float, y: float, outline: np.ndarray | None = None) -> Person:
    """A white disc, 80 wide."""
    head = disc(250)
    layers = np.dstack([head.pixels, head.alpha]).astype(np.float32)
    transform = np.array([[1.0, 0.0, x - 48], [0.0, 1.0, y - 48]])
    return Person(layers, transform, np.array([x, y]), 54.5, outline, circle(0, 24) + (x, y), 0.0)


def test_a_body_hides_nobodys_head():
    everything = np.array([[-5.0, -5.0], [205.0, -5.0], [205.0, 205.0], [-5.0, 205.0]])
    layers = Layers(np.zeros((200, 200), np.float32), np.full((200, 200), -1, np.int16))
    people = [person(60, 60), person(150, 150, everything)]
    draw_people(np.random.default_rng(0), layers, people, [even(128)])
    rows, columns = np.mgrid[:200, :200]
    heads = [np.hypot(columns - at, rows - at) < 38 for at in (60, 150)]
    elsewhere = np.minimum(*(np.hypot(columns - at, rows - at) for at in (60, 150))) > 42
    for number, head in enumerate(heads):
        assert (layers.pixels[head] == 250).all() and (layers.top[head] == number).all()
    assert (layers.top[elsewhere] == 1).all() and (layers.pixels[elsewhere] != 0).all()


def test_the_last_person_is_in_front():
    layers = Layers(np.zeros((200, 200), np.float32), np.full((200, 200), -1, np.int16))
    draw_people(np.random.default_rng(0), layers, [person(80, 100), person(110, 100)], [even()])
    assert layers.top[100, 50] == 0 and layers.top[100, 100] == 1 == layers.top[100, 140]


def test_a_face_is_certain_only_where_most_of_it_is_seen():
    """White faces in a crowd of black backs of heads."""
    heads = [disc(255), *[disc(0, face=False)] * 5]
    params = PLAIN.model_copy(update={"crowd_prob": 1.0, "largest_face": 0.4, "smallest_face": 20})
    white = {True: [], False: []}
    for scene in scenes(80, params, Materials(heads, [even(60)])):
        alone = ~np.array(overlapping(scene.faces[:, :2], scene.faces[:, 2]), bool)
        large = scene.faces[:, 2] >= params.smallest_face
        for (x, y, side), certain in zip(
            scene.faces[alone & large], scene.certain[alone & large], strict=True
        ):
            places = np.round((x, y) + circle(0, 0.85 * 0.44 * side)).astype(int)
            seen = [inside(place, -1) and scene.grey[*place[::-1]] > 120 for place in places]
            white[bool(certain)].append(np.mean(seen))
    assert len(white[True]) > 12 and len(white[False]) > 3
    assert min(white[True]) > 0.5 and 0.1 < min(white[False]) <= max(white[False]) < 0.6


def test_a_face_in_a_black_margin_is_none():
    params = PLAIN.model_copy(update={"margin_prob": 1.0, "largest_face": 0.2, "smallest_face": 10})
    composed = scenes(60, params, Materials([disc(200)], [even(90)]))
    margins = [(scene.grey == 0).mean() for scene in composed]
    assert np.median(margins) == pytest.approx(0.25, abs=0.1) and max(margins) <= 0.5
    for scene in composed:
        for x, y, _ in scene.faces[scene.certain]:
            column, row = (int(np.clip(round(float(v)), 0, 127)) for v in (x, y))
            assert scene.grey[row, column] > 0
    assert sum(len(scene.faces) == 0 for scene in composed) > 5


def test_a_portrait_takes_the_place_of_a_head_with_its_points():
    params = PLAIN.model_copy(update={"portrait_prob": 1.0, "smallest_face": 16.0})
    materials = Materials([disc()], [even()], Portraits([portrait()]))
    check_discs(scenes(30, params, materials), 40, 100)


def test_a_portrait_fades_out_at_its_edges_into_a_square_of_nothing():
    face = portrait()
    picture = Portraits([face])[0]
    assert picture.pixels.shape == picture.alpha.shape == (144, 144)
    assert (picture.alpha[:, 96:] == 0).all() and (picture.alpha[0] == 0).all()
    inner = np.s_[18:126, 12:84]
    assert (picture.alpha[inner] == 255).all()
    assert (picture.pixels[inner] == face.grey[inner]).all()
    rising = picture.alpha[72, :13].astype(int)
    assert (np.diff(rising) > 0).all()
    # Darkened by alpha, as the pixels of a head are.
    dark = picture.pixels[72, :13] / np.maximum(face.grey[72, :13], 1)
    np.testing.assert_allclose(dark, rising / 255, atol=0.5 / 20)


def test_a_face_smaller_than_the_smallest_is_neither_a_face_nor_none():
    params = PLAIN.model_copy(update={"smallest_face": 30.0, "largest_face": 0.4})
    composed = scenes(60, params)
    sides = np.concatenate([scene.faces[:, 2] for scene in composed])
    certain = np.concatenate([scene.certain for scene in composed])
    assert (sides[certain] >= 30).all() and (sides < 30).sum() > 10 and certain.sum() > 10


def test_a_scene_depends_on_its_generator_alone():
    materials = Materials([disc(), disc(face=False)], [even()])
    first, again, other = (
        compose(np.random.default_rng(seed), materials, PARAMS) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.grey, again.grey) and np.array_equal(first.faces, again.faces)
    assert not np.array_equal(first.grey, other.grey)


def test_backs_of_heads_and_jumbled_faces_are_no_faces():
    jumbling = PLAIN.model_copy(update={"jumbled_prob": 1.0})
    backs = scenes(10, PLAIN, Materials([disc(face=False)], [even()]))
    for scene in [*backs, *scenes(10, jumbling)]:
        assert len(scene.faces) == 0 and scene.grey.max() > 60


def test_without_people_a_scene_is_its_background():
    for scene in scenes(5, PLAIN.model_copy(update={"empty_prob": 1.0})):
        assert len(scene.faces) == 0 and np.ptp(scene.grey) == 0


def test_a_jumbled_face_has_its_parts_in_other_places():
    rng = np.random.default_rng(0)
    pixels = np.zeros((96, 96), np.float32)
    pixels[20:50, 30:60] = rng.permutation(900).reshape(30, 30) + 1
    points = np.array([[30, 20], [60, 50]] * 34, np.float32)
    changed = jumbled(rng, pixels, points)
    around = np.ones(pixels.shape, bool)
    around[20:50, 30:60] = False
    assert (changed[around] == 0).all()
    assert (np.sort(changed[~around]) == np.sort(pixels[~around])).all()
    assert (changed == pixels)[~around].mean() < 0.4


def test_what_hides_a_face_is_only_before_the_head():
    head = disc(200)
    hidden = []
    for seed in range(20):
        pixels = head.pixels.astype(np.float32)
        draw_cover(np.random.default_rng(seed), pixels, head.alpha, head.points, [textured()])
        changed = pixels != head.pixels
        assert not changed[head.alpha == 0].any()
        hidden.append(changed[head.alpha > 0].mean())
    assert min(hidden) > 0 and 0.05 < np.median(hidden) < 0.6


def textured() -> Picture:
    return Picture(np.random.default_rng(0).integers(0, 255, (60, 60)).astype(np.uint8))
