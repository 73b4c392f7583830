"""Small picture files of every kind that is read, and some that were found to do harm."""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from fuzz.mutate_picture import join_png

DATA = Path(__file__).parents[1] / "data"
HEIC = ("ramp", "opacity", "turned", "two_pictures")  # which Pillow does not write
GREY = np.linspace(0, 255, 9 * 7).reshape(9, 7)
ORIENTED = Pillow.Exif()
ORIENTED[0x0112] = 6
# How Pillow is to save a picture: mode, format, options.
KINDS = [
    ("L", "PNG", {}),
    ("1", "PNG", {}),
    ("P", "PNG", {"transparency": 3}),
    ("RGBA", "PNG", {}),
    ("I;16", "PNG", {}),
    ("RGB", "PNG", {"exif": ORIENTED, "icc_profile": bytes(40)}),
    ("L", "JPEG", {}),
    ("RGB", "JPEG", {"exif": ORIENTED}),
    ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
    ("CMYK", "JPEG", {}),
    ("L", "TIFF", {}),
    ("F", "TIFF", {}),
    ("I;16", "TIFF", {}),
    ("I", "TIFF", {}),
    ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("RGB", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ("RGB", "TIFF", {"compression": "jpeg"}),
    ("1", "TIFF", {"compression": "group4"}),
    ("RGB", "WEBP", {}),
    ("RGBA", "WEBP", {"lossless": True}),
    ("P", "GIF", {}),
    ("RGB", "BMP", {}),
    ("P", "BMP", {}),
    ("RGB", "PPM", {}),
]


def small_pictures() -> list[bytes]:
    """A file of 9x7 pixels of each kind, animations, and the harmful ones."""
    return [_encoded(*kind) for kind in KINDS] + [
        *map(_animation, ("GIF", "PNG", "WEBP")),
        *((DATA / f"{name}.heic").read_bytes() for name in HEIC),
        png_that_claims(2**31 - 1),
        tiff_of_signed_bytes(),
    ]


def png_of(side: int) -> bytes:
    """A grey square as a PNG file."""
    file = io.BytesIO()
    Pillow.new("L", (side, side), 128).save(file, "PNG")
    return file.getvalue()


def _encoded(mode: str, kind: str, options: dict) -> bytes:
    file = io.BytesIO()
    _picture(mode).save(file, kind, **options)
    return file.getvalue()


def _picture(mode: str) -> Pillow.Image:
    if mode.startswith("I"):
        return Pillow.fromarray((GREY * 257).astype(np.uint16 if mode == "I;16" else np.int32))
    if mode == "F":
        return Pillow.fromarray((GREY / 255).astype(np.float32))
    grey = Pillow.fromarray(GREY.astype(np.uint8))
    return grey if mode == "L" else grey.convert("RGB").convert(mode)


def _animation(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [_picture("RGB"), _picture("RGB").rotate(180)]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=40)
    return file.getvalue()


def png_that_claims(length: int) -> bytes:
    """A PNG file of a few bytes whose pixels are said to take `length` bytes."""
    header = join_png([(b"IHDR", struct.pack(">IIBBBBB", 9, 7, 8, 0, 0, 0, 0))])
    return header + struct.pack(">I", length) + b"IDAT" + bytes(8)


def tiff_of_signed_bytes() -> bytes:
    """A TIFF file whose samples are signed, which no photo's are."""
    entries = [(256, 3, 7), (257, 3, 9), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 122)]
    entries += [(277, 3, 1), (279, 4, 63), (339, 3, 2)]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + bytes(63)
