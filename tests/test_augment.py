"""Augmentation changes what goes into the crop; without any it is the crop of inference."""

import dataclasses

import numpy as np
import pytest

from fkd.landmarks import flip_points
from fkd.preprocess import CropSpec, crop_face, to_crop
from fkd.training.augment import augmented_crop, change_pixels
from fkd.training.dataset import TrainingFaces, repeated, training_batches


def none_of_it(params):
    """All augmentations off."""
    augment = params.train.augment
    return dataclasses.replace(
        augment, **{field.name: 0.0 for field in dataclasses.fields(augment)}
    )


def test_without_augmentation_the_crop_is_inferences_to_the_bit(faces, params):
    spec = params.train.crop
    for face in faces[:5]:
        pixels, points = augmented_crop(face, spec, none_of_it(params), np.random.default_rng(0))
        crop = crop_face(face.grey, face.box, spec)
        np.testing.assert_array_equal(pixels, crop.pixels)
        np.testing.assert_array_equal(points, to_crop(face.points, crop.transform))


def test_a_flip_mirrors_pixels_and_renumbers_points(faces, params):
    spec = CropSpec(size=64, scale=1.2, shift_y=0.155)
    only_flip = dataclasses.replace(none_of_it(params), flip=1.0)
    face = faces[0]
    pixels, points = augmented_crop(face, spec, only_flip, np.random.default_rng(0))
    plain = crop_face(face.grey, face.box, spec)
    assert np.abs(pixels.astype(int) - plain.pixels[:, ::-1]).mean() < 2
    expected = flip_points(to_crop(face.points, plain.transform), 64)
    np.testing.assert_allclose(points, expected, atol=0.05)


def test_a_mirrored_copy_keeps_the_side_to_which_its_labels_are_shifted(faces, params):
    """Labels 3 px too far right of a face give points 3 px too far right, mirrored or not."""
    face = dataclasses.replace(faces[0], subset="shifted", points=faces[0].points + [3, 0])
    augment = dataclasses.replace(none_of_it(params), flip=0.5)
    train = dataclasses.replace(params.train, augment=augment, label_shift={"shifted": 3.0})
    straight = dataclasses.replace(train, label_shift={})
    zoom = crop_face(face.grey, face.box, train.crop).transform[0, 0]
    for epoch in range(8):
        shifted = TrainingFaces([face], train, epoch)[0]
        right = TrainingFaces([faces[0]], straight, epoch)[0]
        assert (shifted[0] == right[0]).all()
        off = (shifted[1] - right[1]).numpy() / zoom
        np.testing.assert_allclose(off, np.tile([3, 0], (68, 1)), atol=1e-3)


def test_a_jittered_crop_still_has_its_points_on_the_same_places_of_the_photo(faces, params):
    """A dot painted at a point of the photo is found at that point of the crop."""
    spec, face = params.train.crop, faces[1]
    geometry = dataclasses.replace(
        none_of_it(params), shift=0.12, scale=0.17, rotate=15.0, flip=0.5
    )
    dark = np.zeros_like(face.grey)
    x, y = face.points[30].round().astype(int)
    dark[y - 1 : y + 2, x - 1 : x + 2] = 255
    marked = dataclasses.replace(face, grey=dark)
    for seed in range(12):
        pixels, points = augmented_crop(marked, spec, geometry, np.random.default_rng(seed))
        rows, columns = np.nonzero(pixels > 60)
        found = np.array([columns.mean(), rows.mean()])
        assert np.linalg.norm(found - points[30]) < 1.6, seed


def test_changing_pixels_keeps_type_shape_and_range(params):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    every = dataclasses.replace(
        params.train.augment,
        contrast_share=1.0,
        gamma_share=1.0,
        blur_share=1.0,
        low_resolution_share=1.0,
        noise_share=1.0,
        occlude_share=1.0,
    )
    changed = change_pixels(pixels, every, np.random.default_rng(1))
    assert changed.dtype == np.uint8 and changed.shape == (64, 64)
    assert np.abs(changed.astype(int) - pixels).mean() > 10


def test_what_a_training_face_looks_like_depends_on_seed_epoch_and_place_only(faces, params):
    one = TrainingFaces(faces, params.train, epoch=2)[3]
    again = TrainingFaces(faces, params.train, epoch=2)[3]
    later = TrainingFaces(faces, params.train, epoch=3)[3]
    assert (one[0] == again[0]).all() and (one[1] == again[1]).all()
    assert not (one[0] == later[0]).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_do_not_depend_on_the_number_of_workers(faces, params, workers):
    train = dataclasses.replace(params.train, batch_size=6, workers=workers)
    inline = dataclasses.replace(train, workers=0)
    first, second = (list(training_batches(faces, t, epoch=1)) for t in (train, inline))
    assert len(first) == 3  # full batches only
    for (a, b), (c, d) in zip(first, second, strict=True):
        assert (a == c).all() and (b == d).all()


def test_faces_of_a_named_subset_are_shown_several_times(faces):
    assert len(repeated(faces, {"drawn": 3})) == 3 * len(faces)
    assert len(repeated(faces, {"other": 3})) == len(faces)
