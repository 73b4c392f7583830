"""What scenes are composed of: heads by number and seed, backgrounds by part."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import PROJECT

from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.materials import (
    BACKGROUND_SIDE,
    PARTS,
    HeadPose,
    MaterialParams,
    backgrounds,
    render_head,
    render_heads,
)
from fkd.datasets.scenes.store import (
    NO_POINTS,
    PIXELS,
    TABLE,
    Picture,
    load_pictures,
    save_pictures,
)
from fkd.geometry.roll import five_points, roll_of
from fkd.io.images import ImageError

POSE = HeadPose(
    uniform_yaw_prob=1.0,
    uniform_yaw=(-80.0, 80.0),
    pitch_std=8.0,
    pitch_limit=30.0,
    face_size=(0.4, 0.5),
)
PARAMS = MaterialParams(
    heads={"train": 3, "val": 2, "test": 2},
    head_size=48,
    backs_prob=0.0,
    pose=POSE,
    backgrounds=str(PROJECT / "data" / "synthetic"),
    generated_backgrounds=2,
    seed=5,
    num_workers=1,
)


def changed(**values: object) -> MaterialParams:
    return PARAMS.model_copy(update=values)


def same(first: Picture, second: Picture) -> bool:
    return bytes(first.pixels) == bytes(second.pixels) and bytes(first.alpha) == bytes(second.alpha)


@pytest.fixture(scope="module")
def heads(recipe) -> dict[str, list[Picture]]:
    """Those of each part."""
    return {part: list(render_heads(recipe, PARAMS, part)) for part in PARTS}


def test_a_part_has_as_many_heads_as_it_was_asked_for(heads):
    assert {part: len(pictures) for part, pictures in heads.items()} == PARAMS.heads.model_dump()


def test_a_head_depends_on_its_number_and_the_seed_alone(heads, recipe):
    # By itself, of another recipe's seed and size, and with more of them.
    other = recipe.model_copy(update={"seed": 99, "size": 200})
    again = render_head(other, changed(heads={"train": 900}), PARTS["train"] + 2)
    assert same(again, heads["train"][2])
    np.testing.assert_array_equal(again.points, heads["train"][2].points)
    assert not same(render_head(recipe, changed(seed=6), PARTS["train"] + 2), again)


def test_no_two_parts_share_a_head(heads):
    together = [picture for pictures in heads.values() for picture in pictures]
    assert not any(same(*pair) for pair in combinations(together, 2))


def test_a_head_lies_under_its_points_and_is_black_elsewhere(heads):
    for picture in heads["train"]:
        assert picture.pixels.shape == picture.alpha.shape == (48, 48)
        assert (picture.pixels[picture.alpha == 0] == 0).all()
        columns, rows = np.round(picture.points[17:]).astype(int).T  # the jaw is its edge
        assert (picture.alpha[rows, columns] > 200).mean() > 0.9
        assert 0.38 < np.ptp(picture.points, axis=0).max() / 48 < 0.52
        assert abs(roll_of(five_points(picture.points))) < 45


def test_heads_are_turned_as_the_parameters_say_and_not_the_recipe(recipe):
    pose = POSE.model_copy(update={"uniform_yaw": (70.0, 75.0)})
    head = render_head(recipe, changed(pose=pose), 0)
    assert 70 <= head.yaw <= 75
    # To the subject's left: the nose lies to the right of the eyes' middle.
    eyes = head.points[36:48].mean(axis=0)
    assert head.points[30, 0] - eyes[0] > 0.1 * np.ptp(head.points, axis=0).max()


def test_a_head_seen_from_behind_shows_no_face(recipe):
    head = render_head(recipe, changed(backs_prob=1.0), 0)
    assert head.points is None and 115 <= head.yaw <= 245
    assert (head.alpha == 255).mean() > 0.1


def test_stored_heads_come_back_with_their_points_and_yaw(heads, tmp_path):
    stored = [*heads["train"], replace(heads["val"][0], points=None)]
    assert save_pictures(stored, tmp_path) == 4
    for before, after in zip(stored, load_pictures(tmp_path), strict=True):
        assert same(before, after) and after.yaw == pytest.approx(before.yaw)
        assert (before.points is None) == (after.points is None)
        np.testing.assert_array_equal(
            NO_POINTS if before.points is None else before.points,
            NO_POINTS if after.points is None else after.points,
        )


@pytest.mark.parametrize("file", [PIXELS, TABLE])
def test_stored_pictures_that_are_cut_short_are_refused(file, heads, tmp_path):
    save_pictures(heads["val"], tmp_path)
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadDataset, match=r"its pictures are damaged; prepare them again$"):
        load_pictures(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four grey pictures, two of them held out."""
    for name, shape, brightness in (
        ("a.png", (40, 60), 10),
        ("in/b.png", (30, 30), 20),
        ("held_out/c.png", (50, 20), 30),
        ("held_out/in/d.png", (20, 20), 40),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full(shape, brightness, np.uint8))
    return tmp_path


def test_held_out_pictures_are_backgrounds_of_val_and_test_and_the_others_of_training(
    folder, recipe
):
    params = changed(backgrounds=str(folder))
    shades = {
        part: [int(p.pixels[0, 0]) for p in backgrounds(recipe, params, part)][:-2]
        for part in PARTS
    }
    assert shades == {"train": [10, 20], "val": [30, 40], "test": [30, 40]}


def test_no_two_parts_share_a_generated_background_and_the_same_seed_gives_the_same(recipe):
    of_parts = [list(backgrounds(recipe, PARAMS, part)) for part in PARTS]
    together = [bytes(picture.pixels) for pictures in of_parts for picture in pictures]
    assert len(set(together)) == len(together) == 6
    again = list(backgrounds(recipe, PARAMS, "val"))
    assert [bytes(picture.pixels) for picture in again] == together[2:4]
    other = next(backgrounds(recipe, changed(seed=6), "val"))
    assert bytes(other.pixels) not in together
    assert other.pixels.shape == (BACKGROUND_SIDE,) * 2 and other.alpha is other.points is None


def test_a_large_background_shrinks_to_1024_pixels_and_keeps_its_shape(folder, recipe):
    picture = np.zeros((1400, 2048), np.uint8)
    picture[:, 1024:] = 200
    cv2.imwrite(str(folder / "0.png"), picture)
    shrunk = next(backgrounds(recipe, changed(backgrounds=str(folder)), "train")).pixels
    assert shrunk.shape == (700, 1024)
    assert (shrunk[:, :510] == 0).all() and (shrunk[:, 514:] == 200).all()


@pytest.mark.parametrize("holds", [None, "nothing", "held_out/a.png", "notes.txt"])
def test_a_folder_without_a_picture_for_training_is_refused(holds, tmp_path, recipe):
    folder = tmp_path / "pictures"
    if holds is not None:
        (folder / "held_out").mkdir(parents=True)
        cv2.imwrite(str(folder / "held_out" / "a.png"), np.zeros((9, 9), np.uint8))
        (folder / "notes.txt").write_text("no picture")
    with pytest.raises(BadDataset, match=rf"^{folder}: there is no picture in it$"):
        next(backgrounds(recipe, changed(backgrounds=str(folder)), "train"))


def test_a_background_that_cannot_be_read_is_named(folder, recipe):
    (folder / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"a\.png"):
        next(backgrounds(recipe, changed(backgrounds=str(folder)), "train"))
