"""Augmentation changes what goes into the crop; without any it is the crop of inference."""

import dataclasses

import numpy as np
import pytest
import torch

from fkd.geometry.crop import CropSpec, crop_face, to_crop
from fkd.landmarks import flip_points
from fkd.training.augment import augmented_crop, change_pixels, changed_faces
from fkd.training.loop.batches import TrainingFaces, oversampled, training_batches


def none_of_it(params):
    """All augmentations off."""
    augment = params.train.augment
    return augment.model_copy(update=dict.fromkeys(type(augment).model_fields, 0.0))


def only(params, **changes):
    """All augmentations off but some."""
    return none_of_it(params).model_copy(update=changes)


def test_without_augmentation_the_crop_is_inferences_to_the_bit(faces, params):
    spec = params.train.crop.spec()
    for face in faces[:5]:
        pixels, points, _ = augmented_crop(face, spec, none_of_it(params), np.random.default_rng(0))
        crop = crop_face(face.grey, face.box, spec)
        np.testing.assert_array_equal(pixels, crop.pixels)
        np.testing.assert_array_equal(points, to_crop(face.points, crop.transform))


def test_a_flip_mirrors_pixels_and_renumbers_points(faces, params):
    spec = CropSpec(size=64, scale=1.2, shift_y=0.155)
    only_flip = only(params, flip_prob=1.0)
    face = faces[0]
    pixels, points, _ = augmented_crop(face, spec, only_flip, np.random.default_rng(0))
    plain = crop_face(face.grey, face.box, spec)
    assert np.abs(pixels.astype(int) - plain.pixels[:, ::-1]).mean() < 2
    expected = flip_points(to_crop(face.points, plain.transform), 64)
    np.testing.assert_allclose(points, expected, atol=0.05)


def test_a_mirrored_copy_keeps_the_side_to_which_its_labels_are_offset(faces, params):
    """Labels 3 px too far right of a face give points 3 px too far right, mirrored or not."""
    face = dataclasses.replace(faces[0], subset="shifted", points=faces[0].points + [3, 0])
    augment = only(params, flip_prob=0.5)
    train = params.train.model_copy(
        update={"augment": augment, "label_offset_px": {"shifted": 3.0}}
    )
    straight = train.model_copy(update={"label_offset_px": {}})
    zoom = crop_face(face.grey, face.box, train.crop.spec()).transform[0, 0]
    for epoch in range(8):
        shifted = TrainingFaces([face], np.arange(1), train, epoch)[0]
        right = TrainingFaces([faces[0]], np.arange(1), straight, epoch)[0]
        assert (shifted[0] == right[0]).all()
        off = (shifted[1] - right[1]).numpy() / zoom
        np.testing.assert_allclose(off, np.tile([3, 0], (68, 1)), atol=1e-3)


def test_a_jittered_crop_still_has_its_points_on_the_same_places_of_the_photo(faces, params):
    """A dot painted at a point of the photo is found at that point of the crop."""
    spec, face = params.train.crop.spec(), faces[1]
    geometry = only(params, shift=0.12, scale=0.17, rotate_std=15.0, flip_prob=0.5)
    dark = np.zeros_like(face.grey)
    x, y = face.points[30].round().astype(int)
    dark[y - 1 : y + 2, x - 1 : x + 2] = 255
    marked = dataclasses.replace(face, grey=dark)
    for seed in range(12):
        pixels, points, _ = augmented_crop(marked, spec, geometry, np.random.default_rng(seed))
        rows, columns = np.nonzero(pixels > 60)
        found = np.array([columns.mean(), rows.mean()])
        assert np.linalg.norm(found - points[30]) < 1.6, seed


@pytest.fixture
def ramp() -> np.ndarray:
    """A picture of 64 columns from 32 to 221, and its values 0..1 as change_pixels sees them."""
    return np.repeat((32 + 3 * np.arange(64)).astype(np.uint8)[None], 64, axis=0)


def changed(ramp, params, seed=0, **changes) -> np.ndarray:
    pixels, _ = change_pixels(ramp, only(params, **changes), np.random.default_rng(seed))
    assert pixels.dtype == np.uint8 and pixels.shape == ramp.shape
    return pixels


def test_contrast_and_brightness_are_one_straight_line_through_all_values(ramp, params):
    pixels = changed(ramp, params, contrast_prob=1.0, contrast_std=0.1, brightness_std=0.05)
    slope, offset = np.polyfit(ramp.ravel(), pixels.ravel(), 1)
    assert np.abs(slope * ramp + offset - pixels).max() <= 1 and abs(slope - 1) > 0.003


def test_gamma_is_one_power_of_all_values(ramp, params):
    pixels = changed(ramp, params, gamma_prob=1.0, gamma_std=0.35)
    power = np.log(pixels / 255) / np.log(ramp / 255)
    assert np.ptp(power[:, :50]) < 0.05 and abs(power.mean() - 1) > 0.02


def test_blur_and_downscaling_keep_a_ramp_and_flatten_a_checkerboard(ramp, params):
    board = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(200)
    for changes in ({"blur_prob": 1.0, "blur_max": 2.5}, {"downscale_prob": 1.0}):
        assert np.abs(changed(ramp, params, **changes).astype(int) - ramp)[:, 12:-12].max() <= 2
        stds = [changed(board.astype(np.uint8), params, s, **changes).std() for s in range(9)]
        assert np.median(stds) < 0.5 * board.std() > 0 and max(stds) < board.std()


def test_noise_has_the_deviation_that_was_drawn_for_it(ramp, params):
    seeds = [changed(ramp, params, s, noise_prob=1.0, noise_max=0.06) for s in range(40)]
    stds = np.array([(pixels.astype(float) - ramp).std() / 255 for pixels in seeds])
    assert stds.max() < 0.064 and stds.mean() == pytest.approx(0.03, abs=0.008)


def test_random_erasing_lays_one_grey_rectangle_and_nothing_else(ramp, params):
    for seed in range(10):
        pixels = changed(ramp, params, seed, random_erasing_prob=1.0, random_erasing_max=0.5)
        rows, columns = np.nonzero(pixels != ramp)
        inside = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert 7 <= np.ptp(rows) + 1 <= 32 and np.ptp(columns) + 1 <= 32
        assert np.count_nonzero(inside != np.median(inside)) <= len(inside)


@pytest.mark.parametrize("shape", [(40, 90), (90, 40)])
def test_random_erasing_reaches_all_of_a_picture_that_is_not_square(params, shape):
    picture, drawn = np.full(shape, 128, np.uint8), {"random_erasing_prob": 1.0}
    seeds = (changed(picture, params, s, **drawn, random_erasing_max=0.5) for s in range(300))
    reached = np.any([pixels != picture for pixels in seeds], axis=0)
    assert reached.any(axis=0).all() and reached.any(axis=1).all()


def test_faces_are_changed_in_their_pixels_only_and_the_same_way_at_every_call(faces, params):
    augment = only(params, contrast_prob=1.0, contrast_std=0.3)
    first, again = (changed_faces(faces[:3], augment, 2) for _ in range(2))
    assert [face.name for face in first] == [face.name for face in faces[:3] for _ in range(2)]
    for one, same, face in zip(first, again, np.repeat(np.arange(3), 2), strict=True):
        np.testing.assert_array_equal(one.grey, same.grey)
        np.testing.assert_array_equal(one.points, faces[face].points)
        assert one.box == faces[face].box and (one.grey != faces[face].grey).any()
    assert (first[0].grey != first[1].grey).any()
    for face, still in zip(faces, changed_faces(faces[:3], none_of_it(params), 1), strict=False):
        np.testing.assert_array_equal(face.grey, still.grey)


def test_what_a_training_face_looks_like_depends_on_seed_epoch_and_place_only(faces, params):
    shown = np.arange(len(faces))
    one = TrainingFaces(faces, shown, params.train, epoch=2)[3]
    again = TrainingFaces(faces, shown, params.train, epoch=2)[3]
    later = TrainingFaces(faces, shown, params.train, epoch=3)[3]
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not (one[0] == later[0]).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_do_not_depend_on_the_number_of_workers(faces, params, workers):
    train = params.train.model_copy(update={"batch_size": 6, "num_workers": workers})
    inline = train.model_copy(update={"num_workers": 0})
    shown = np.arange(len(faces))
    first, second = (list(training_batches(faces, shown, t, epoch=1)) for t in (train, inline))
    assert len(first) == 3  # full batches only
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_faces_of_a_named_subset_are_shown_several_times(faces):
    assert len(oversampled(faces, {"synthetic": 3})) == 3 * len(faces)
    assert len(oversampled(faces, {"other": 3})) == len(faces)
