"""HEIC: the files in tests/data were written by pillow-heif, from the ramp below."""

import re

import numpy as np
import pytest
from conftest import PROJECT

from fkd.io import heif
from fkd.io.images import ImageError, decode_picture, read_image

DATA = PROJECT / "tests" / "data"
RAMP = np.linspace(0, 255, 60 * 40 * 3).reshape(60, 40, 3)  # RGB


def test_a_heic_photo_has_the_pixels_that_were_stored():
    pixels = read_image(DATA / "ramp.heic")
    assert pixels.dtype == np.uint8 and pixels.flags.writeable
    assert np.abs(pixels[..., ::-1] - RAMP).mean() < 0.5


@pytest.mark.parametrize("quarters", range(4))
def test_a_heic_photo_is_turned_as_its_property_says(quarters):
    """ISO 23008-12: irot tells of quarters of a turn against the clock."""
    data = (DATA / "turned.heic").read_bytes()
    flat = decode_picture(re.sub(rb"irot.", b"irot\x00", data), "a").pixels
    turned = decode_picture(re.sub(rb"irot.", b"irot" + bytes([quarters]), data), "a").pixels
    np.testing.assert_allclose(turned, np.rot90(flat, quarters), atol=12)  # colour is at half size
    assert flat.std() > 50


def test_opacity_in_heic_is_laid_on_white():
    pixels = read_image(DATA / "opacity.heic")[..., ::-1]
    opacity = RAMP[..., :1] / 255
    assert np.abs(pixels - (RAMP * opacity + 255 * (1 - opacity))).mean() < 1


def test_of_several_pictures_in_heic_the_first_is_read():
    picture = decode_picture((DATA / "two_pictures.heic").read_bytes(), "a")
    assert picture.several and np.abs(picture.pixels[..., ::-1] - RAMP).mean() < 3
    assert not decode_picture((DATA / "ramp.heic").read_bytes(), "a").several


def test_a_damaged_heic_file_is_refused_in_one_sentence():
    data, rng = (DATA / "ramp.heic").read_bytes(), np.random.default_rng(0)
    for end in rng.integers(12, len(data) - 1, 50):
        with pytest.raises(ImageError, match=r"^a: not a picture that can be read$"):
            decode_picture(data[:end], "a")


def test_without_its_extra_heic_says_what_to_type(monkeypatch):
    monkeypatch.setattr(heif, "can_read_heic", lambda: False)
    with pytest.raises(ImageError, match=r"ramp\.heic: is HEIC, .* pip install .*\[formats\]'?$"):
        read_image(DATA / "ramp.heic")
