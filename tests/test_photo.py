"""Pictures of every kind, whole and broken, and files that are written whole or not at all."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest

from fkd.photo import PhotoError, decode_photo, read_photo, write_whole

# Smooth, so that JPEG keeps it.
RAMP = np.linspace(0, 255, 60 * 40 * 3).reshape(60, 40, 3).astype(np.uint8)


def encoded(image: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def test_an_eight_bit_picture_comes_back_as_it_was():
    np.testing.assert_array_equal(decode_photo(encoded(RAMP, ".png"), "a"), RAMP)


def test_sixteen_bits_are_scaled_to_eight():
    wide = RAMP.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_photo(encoded(wide, ".png"), "a"), RAMP)


def test_grey_becomes_three_equal_channels():
    grey = decode_photo(encoded(RAMP[..., 0], ".png"), "a")
    assert grey.shape == (60, 40, 3) and (grey[..., 0] == grey[..., 2]).all()


def test_transparency_is_laid_on_white():
    clear = np.dstack([RAMP, np.zeros((60, 40), np.uint8)])
    assert decode_photo(encoded(clear, ".png"), "a").min() == 255


def test_a_palette_png_is_read_in_colour():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x00\x01")
    palette = bytes([255, 0, 0, 0, 0, 255])
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", palette)
    data += chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode_photo(data, "a"), [[[0, 0, 255], [255, 0, 0]]])


def test_a_photo_is_turned_as_its_exif_says():
    jpeg = encoded(RAMP, ".jpg")
    orientation = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"  # turn right by 90
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + orientation + b"\x00" * 4
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    plain, upright = decode_photo(jpeg, "a"), decode_photo(turned, "a")
    np.testing.assert_array_equal(upright, np.rot90(plain, -1))


def test_a_cmyk_jpeg_is_read_in_colour():
    pytest.importorskip("PIL")
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("CMYK", (20, 10), (0, 255, 255, 0)).save(file, "JPEG")  # red
    blue, green, red = decode_photo(file.getvalue(), "a").reshape(-1, 3).mean(axis=0)
    assert red > 180 and blue < 60 and green < 60


def test_a_jpeg_with_a_film_behind_its_end_is_whole():
    jpeg = encoded(RAMP, ".jpg")
    film = np.random.default_rng(0).integers(0, 255, 20_000, dtype=np.uint8).tobytes()
    np.testing.assert_array_equal(decode_photo(jpeg + film, "a"), decode_photo(jpeg, "a"))


def test_a_single_pixel_is_a_picture():
    assert decode_photo(encoded(RAMP[:1, :1], ".png"), "a").shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just some text", "not a picture"),
        (encoded(RAMP, ".jpg")[:-200], "the JPEG is truncated"),
        (encoded(RAMP, ".png")[:60], "not a picture"),
        (
            b"\x89PNG\r\n\x1a\n"
            + b"\x00\x00\x00\rIHDR\x00\x0f\x42\x40\x00\x0f\x42\x40\x08\x02\x00\x00\x00",
            ".",
        ),
    ],
)
def test_what_is_not_a_whole_picture_is_refused_in_one_sentence(data, reason, capfd):
    with pytest.raises(PhotoError, match=rf"^odd name\.jpg: .*{reason}") as refused:
        decode_photo(data, "odd name.jpg")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""  # the decoders' own complaints are kept quiet


def test_files_that_cannot_be_read_are_named_with_the_reason(tmp_path):
    with pytest.raises(PhotoError, match=r"gone.jpg: no such file or directory"):
        read_photo(tmp_path / "gone.jpg")
    with pytest.raises(PhotoError, match="is a folder"):
        read_photo(tmp_path)
    locked = tmp_path / "locked.png"
    locked.write_bytes(encoded(RAMP, ".png"))
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(PhotoError, match=r"locked.png: permission denied"):
        read_photo(locked)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    write_whole(tmp_path / "deep" / "a.txt", b"new")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"new"

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "deep" / "a.txt", b"newer")
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.txt"]
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"new"
