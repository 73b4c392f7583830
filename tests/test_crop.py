"""The one crop function: geometry, its inverse, and what it promises about cut-outs."""

import cv2
import numpy as np
import pytest

from fkd.geometry.crop import CropSpec, crop_face, to_crop, to_grey, to_photo

SPEC = CropSpec(size=64, scale=1.2, shift_y=0.1)


def dot(x: int, y: int, size: int = 200) -> np.ndarray:
    """A black photo with a soft white dot."""
    photo = np.zeros((size, size), np.uint8)
    photo[y, x] = 255
    return (
        (cv2.GaussianBlur(photo.astype(np.float32), (0, 0), 2) * 20).clip(0, 255).astype(np.uint8)
    )


def brightest(pixels: np.ndarray) -> np.ndarray:
    """The centre of brightness (x, y)."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    total = pixels.astype(float).sum()
    return np.array([(x * pixels).sum() / total, (y * pixels).sum() / total])


@pytest.mark.parametrize("angle", [0.0, 20.0, -45.0])
@pytest.mark.parametrize("box", [(60, 50, 80, 80), (30, 20, 150, 150), (90, 95, 20, 20)])
def test_a_dot_lands_where_the_transform_says(box, angle):
    place = np.array([box[0] + 0.6 * box[2], box[1] + 0.7 * box[3]]).round()
    crop = crop_face(dot(*place.astype(int)), box, SPEC, angle)
    expected = to_crop(place.astype(np.float32), crop.transform)
    np.testing.assert_allclose(brightest(crop.pixels), expected, atol=0.35)


def test_the_boxs_centre_moved_down_is_the_crops_centre():
    crop = crop_face(np.zeros((100, 100), np.uint8), (10, 20, 40, 40), SPEC)
    centre = to_crop(np.array([29.5, 39.5 + 4.0], np.float32), crop.transform)
    np.testing.assert_allclose(centre, [31.5, 31.5], atol=1e-4)


def test_to_photo_inverts_to_crop():
    points = np.random.default_rng(0).uniform(0, 200, (68, 2)).astype(np.float32)
    transform = crop_face(np.zeros((200, 200), np.uint8), (31, 47, 90, 90), SPEC, 17.0).transform
    np.testing.assert_allclose(to_photo(to_crop(points, transform), transform), points, atol=1e-3)


@pytest.mark.parametrize("box", [(300, 180, 60, 60), (250, 150, 333, 333), (-20, -10, 100, 100)])
def test_a_cut_out_gives_the_crop_of_the_photo_to_the_bit(box):
    photo = np.random.default_rng(3).integers(0, 256, (700, 900), dtype=np.uint8)
    x, y = max(0, box[0] - box[2]), max(0, box[1] - box[3])
    cut = np.ascontiguousarray(photo[y : box[1] + 3 * box[3], x : box[0] + 3 * box[2]])
    moved = (box[0] - x, box[1] - y, box[2], box[3])
    np.testing.assert_array_equal(
        crop_face(cut, moved, SPEC).pixels, crop_face(photo, box, SPEC).pixels
    )


def test_a_large_face_is_averaged_not_sampled():
    board = ((np.indices((1200, 1200)).sum(axis=0) % 2) * 255).astype(np.uint8)
    pixels = crop_face(board, (300, 300, 600, 600), SPEC).pixels
    assert abs(int(pixels.min()) - 127) < 12 and abs(int(pixels.max()) - 127) < 12


def test_outside_the_photo_is_black():
    pixels = crop_face(np.full((50, 50), 255, np.uint8), (200, 200, 20, 20), SPEC).pixels
    assert pixels.max() == 0


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, 10, -1)])
def test_an_empty_box_is_refused_by_name(box):
    with pytest.raises(ValueError, match="empty"):
        crop_face(np.zeros((50, 50), np.uint8), box, SPEC)


def test_grey_of_bgr_is_opencvs_and_grey_stays_itself(astronaut):
    grey = to_grey(astronaut)
    np.testing.assert_array_equal(grey, cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY))
    assert to_grey(grey) is grey
