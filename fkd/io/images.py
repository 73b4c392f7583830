"""Reading picture files of any kind, and writing PNG."""

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.files import reason

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

JPEG_START, SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
# What Pillow may open besides JPEG; some of its other formats start programs.
FORMATS = ("BMP", "GIF", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence that names it."""


def read_image(path: Path) -> Image:
    """A photo as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Raises ImageError when the file is missing, unreadable, or not a picture.
    """
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not a photo")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {reason(error)}") from None
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> Image:
    """The photo in the bytes of a picture file, uint8 (H, W, 3) BGR; `name` is for messages.

    It is turned as its EXIF data says. 16-bit pictures are scaled to 8, palettes and CMYK
    converted, transparency composited on white. Raises ImageError for what is not a whole picture.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty")
    return _decode_jpeg(data, name) if data.startswith(JPEG_START) else _decode_other(data, name)


def _decode_jpeg(data: bytes, name: str) -> Image:
    """By OpenCV, which gives the same pixels as Pillow in half the time. Of a JPEG that is damaged
    but readable, libjpeg prints a line on standard error."""
    if not _jpeg_ends(data):  # OpenCV would fill the rest with grey
        raise ImageError(f"{name}: the JPEG is truncated")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        raise ImageError(f"{name}: has too many pixels") from None
    if image is None:
        raise ImageError(f"{name}: not a picture that can be read")
    return np.asarray(image, np.uint8)


def _jpeg_ends(data: bytes) -> bool:
    """Whether the end marker follows the start of the picture's scan.

    Phones put a video or a second picture behind the end, and a thumbnail with an end of its own
    before the scan, so the segments are walked: marker, then a length that counts itself.
    """
    place = len(JPEG_START)
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != SCAN[1:]:
        filler = data[place + 1 : place + 2] == b"\xff"
        place += 1 if filler else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return JPEG_END in data[place:]


def _decode_other(data: bytes, name: str) -> Image:
    """By Pillow: OpenCV lets libpng print on standard error, and drops depth or transparency."""
    from PIL import Image as Pillow  # takes 30 ms, which a JPEG is spared
    from PIL import ImageOps

    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            picture.load()
            with contextlib.suppress(Exception):  # the pixels are good, whatever EXIF says
                ImageOps.exif_transpose(picture, in_place=True)
            return _as_bgr(picture)
    except Pillow.DecompressionBombError:
        raise ImageError(f"{name}: has too many pixels") from None
    except Exception:  # Pillow raises errors of many kinds on files that are no pictures
        raise ImageError(f"{name}: not a picture that can be read") from None


def _as_bgr(picture: "Picture") -> Image:
    """uint8 (H, W, 3) BGR of a picture of any depth and number of channels."""
    from PIL import Image as Pillow

    if picture.mode == "F" or picture.mode.startswith("I"):  # Pillow would clip these, not scale
        values = np.asarray(picture, np.float32).clip(0)
        grey = cv2.convertScaleAbs(values, alpha=255 if picture.mode == "F" else 1 / 257)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Pillow.new("RGB", clear.size, "white")
        picture.paste(clear, mask=clear)
    elif picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.asarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR), np.uint8)


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of an image (H, W) or (H, W, 3) BGR."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()
