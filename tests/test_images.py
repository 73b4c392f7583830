"""Pictures of every kind, whole and broken, and files that are written whole or not at all."""

import io
import os
import struct
import subprocess
import sys
import threading
import zlib

import cv2
import numpy as np
import pytest
from conftest import PROJECT
from crafted_pictures import strip_tiff
from PIL import Image as Pillow
from PIL import ImageOps

from fkd.io.files import write_whole
from fkd.io.images import ImageError, decode_image, read_image

# Smooth, so that JPEG keeps it.
RAMP = np.linspace(0, 255, 60 * 40 * 3).reshape(60, 40, 3).astype(np.uint8)


def encoded(image: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def test_an_eight_bit_picture_comes_back_as_it_was():
    np.testing.assert_array_equal(decode_image(encoded(RAMP, ".png"), "a"), RAMP)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_to_eight(suffix):
    wide = RAMP.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_image(encoded(wide, suffix), "a"), RAMP)
    grey = decode_image(encoded(wide[..., 0], suffix), "a")
    np.testing.assert_array_equal(grey, RAMP[..., :1].repeat(3, axis=2))


def test_floats_are_taken_as_0_to_1():
    values = RAMP[..., 0].astype(np.float32) / 255
    grey = decode_image(encoded(values, ".tiff"), "a")
    np.testing.assert_array_equal(grey, RAMP[..., :1].repeat(3, axis=2))


@pytest.mark.parametrize(
    "values",
    [
        np.full((4, 4), -3, np.int8),
        np.full((4, 4), -3, np.int16),
        np.full((4, 4), -3, np.int32),
        np.full((4, 4), 3, np.uint32),
    ],
)
def test_samples_of_other_kinds_are_refused(values):
    kind = 2 if values.dtype.kind == "i" else 1
    data = strip_tiff(4, 4, 8 * values.itemsize, 1, values.tobytes(), kind)
    with pytest.raises(ImageError, match=r"^a: its samples are neither uint8, uint16 nor float$"):
        decode_image(data, "a")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_not_finite_are_refused(value):
    values = np.full((4, 4), 0.5, np.float32)
    assert decode_image(strip_tiff(4, 4, 32, 1, values.tobytes(), 3), "a").max() == 128
    values[2, 3] = value
    with pytest.raises(ImageError, match=r"^a: has samples that are not finite numbers$"):
        decode_image(strip_tiff(4, 4, 32, 1, values.tobytes(), 3), "a")


def test_floats_beyond_0_to_1_are_black_or_white():
    values = np.array([[-1e38, -1, 0], [1, 2, 1e38]], np.float32)
    grey = decode_image(strip_tiff(3, 2, 32, 1, values.tobytes(), 3), "a")[..., 0]
    np.testing.assert_array_equal(grey, [[0, 0, 0], [255, 255, 255]])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_a_picture_is_read_a_strip_at_a_time_as_at_once(mode, monkeypatch):
    file = io.BytesIO()
    Pillow.fromarray(RAMP).convert("L" if mode == "I;16" else mode).convert(mode).save(file, "PNG")
    at_once = decode_image(file.getvalue(), "a")
    monkeypatch.setattr("fkd.io.pixels.STRIP_PIXELS", 7 * RAMP.shape[1])
    np.testing.assert_array_equal(decode_image(file.getvalue(), "a"), at_once)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_turns_it(orientation):
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = with_exif("PNG", exif)
    expected = ImageOps.exif_transpose(Pillow.open(io.BytesIO(data)))
    np.testing.assert_array_equal(decode_image(data, "a")[..., ::-1], np.asarray(expected))


def test_a_webp_with_opacity_is_laid_on_white_as_pillow_does_it():
    clear = Pillow.fromarray(np.dstack([RAMP, RAMP[..., 0]]), "RGBA")
    file = io.BytesIO()
    clear.save(file, "WEBP", lossless=True, exact=True)
    white = Pillow.new("RGB", clear.size, "white")
    white.paste(clear, mask=clear)
    np.testing.assert_array_equal(decode_image(file.getvalue(), "a")[..., ::-1], np.asarray(white))


def test_grey_becomes_three_equal_channels():
    grey = decode_image(encoded(RAMP[..., 0], ".png"), "a")
    assert grey.shape == (60, 40, 3) and (grey[..., 0] == grey[..., 2]).all()


def test_transparency_is_laid_on_white():
    clear = np.dstack([RAMP, np.zeros((60, 40), np.uint8)])
    assert decode_image(encoded(clear, ".png"), "a").min() == 255
    file = io.BytesIO()
    Pillow.fromarray(RAMP[..., 0]).save(file, "PNG", transparency=7)
    grey = decode_image(file.getvalue(), "a")[..., 0]
    np.testing.assert_array_equal(grey, np.where(RAMP[..., 0] == 7, 255, RAMP[..., 0]))


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
    np.testing.assert_array_equal(decode_image(data, "a"), [[[0, 0, 255], [255, 0, 0]]])


def with_exif(kind: str, exif: Pillow.Exif | bytes) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(RAMP).save(file, kind, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_photo_is_turned_as_its_exif_says(kind):
    exif = Pillow.Exif()
    plain = decode_image(with_exif(kind, exif), "a")
    exif[0x0112] = 6  # orientation: to be turned right by 90 degrees
    turned = decode_image(with_exif(kind, exif), "a")
    np.testing.assert_array_equal(turned, np.rot90(plain, -1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_data_does_not_spoil_a_picture(kind):
    picture = decode_image(with_exif(kind, b"Exif\x00\x00" + bytes(range(60))), "a")
    assert picture.shape == RAMP.shape


def test_a_cmyk_jpeg_is_read_in_colour():
    file = io.BytesIO()
    Pillow.new("CMYK", (20, 10), (0, 255, 255, 0)).save(file, "JPEG")  # red
    blue, green, red = decode_image(file.getvalue(), "a").reshape(-1, 3).mean(axis=0)
    assert red > 180 and blue < 60 and green < 60


def test_a_jpeg_with_a_video_behind_its_end_is_whole():
    jpeg = encoded(RAMP, ".jpg")
    video = np.random.default_rng(0).integers(0, 255, 20_000, dtype=np.uint8).tobytes()
    np.testing.assert_array_equal(decode_image(jpeg + video, "a"), decode_image(jpeg, "a"))


def test_a_single_pixel_is_a_picture():
    assert decode_image(encoded(RAMP[:1, :1], ".png"), "a").shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just some text", "not a picture"),
        (encoded(RAMP, ".jpg")[:-200], "the JPEG is truncated"),
        (encoded(RAMP, ".png")[:60], "the PNG is truncated"),
        (encoded(RAMP, ".webp")[:60], "not a picture"),
        (encoded(RAMP, ".bmp")[:60], "not a picture"),
        (
            b"\x89PNG\r\n\x1a\n"
            + b"\x00\x00\x00\rIHDR\x00\x0f\x42\x40\x00\x0f\x42\x40\x08\x02\x00\x00\x00",
            ".",
        ),
    ],
)
def test_what_is_not_a_whole_picture_is_refused_in_one_sentence(data, reason, capfd):
    with pytest.raises(ImageError, match=rf"^odd name\.jpg: .*{reason}") as refused:
        decode_image(data, "odd name.jpg")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr().err == ""  # no complaints of the decoders beside it


def test_standard_error_stays_open_for_other_threads_while_pictures_are_decoded(capfd):
    data = encoded(RAMP, ".png")
    threads = [
        threading.Thread(target=lambda: [decode_image(data, "a") for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    lines = 0
    while any(thread.is_alive() for thread in threads):
        os.write(2, b"x")
        lines += 1
    os.write(2, b"x")
    assert capfd.readouterr().err == "x" * (lines + 1)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_pictures_raise_nothing_but_image_errors():
    """A thousand pictures with bytes changed, left out and put in."""
    rng = np.random.default_rng(0)
    kinds = [".png", ".jpg", ".tiff", ".webp", ".bmp", ".ppm"]
    whole = [encoded(RAMP[:9, :9], kind) for kind in kinds]
    whole.append((PROJECT / "tests" / "data" / "ramp.heic").read_bytes())
    whole += [with_exif("TIFF", Pillow.Exif()), encoded(RAMP[..., 0].astype(np.float32), ".tiff")]
    refused = 0
    for _ in range(1000):
        data = bytearray(whole[rng.integers(len(whole))])
        for _ in range(rng.integers(1, 5)):
            place = int(rng.integers(len(data)))
            put_in = rng.integers(0, 256, rng.integers(0, 5), dtype=np.uint8)
            data[place : place + int(rng.integers(0, 5))] = put_in.tobytes()
        try:
            assert decode_image(bytes(data), "a").dtype == np.uint8
        except ImageError:
            refused += 1
    assert 300 < refused < 900


DECODE_IN_THREADS = """
import os, resource, sys, threading
from fkd.io.images import ImageError, decode_image

def decode():
    for _ in range(15):
        for data in pictures:
            try:
                decode_image(data, "a")
            except ImageError:
                pass

whole = [open(name, "rb").read() for name in sys.argv[1:]]
pictures = whole + [data[:-30] for data in whole]
decode()  # what is imported and opened once
before = sorted((fd, os.readlink(f"/proc/self/fd/{fd}")) for fd in range(3))
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, most))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass  # none is left
threads = [threading.Thread(target=decode) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
for fd in taken:
    os.close(fd)
assert sorted((fd, os.readlink(f"/proc/self/fd/{fd}")) for fd in range(3)) == before
free = os.dup(0)
assert free == taken[0], (free, taken)
"""


def test_decoding_in_threads_with_no_descriptor_left_takes_none_and_leaves_standard_error(tmp_path):
    files = [tmp_path / f"a{kind}" for kind in (".png", ".webp", ".tiff", ".bmp")]
    for file in files:
        file.write_bytes(encoded(RAMP, file.suffix))
    command = [sys.executable, "-W", "ignore", "-c", DECODE_IN_THREADS, *map(str, files)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_files_that_cannot_be_read_are_named_with_the_reason(tmp_path):
    with pytest.raises(ImageError, match=r"gone.jpg: no such file or directory"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)
    locked = tmp_path / "locked.png"
    locked.write_bytes(encoded(RAMP, ".png"))
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ImageError, match=r"locked.png: permission denied"):
        read_image(locked)


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
