"""Reading picture files of any kind, and writing PNG."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from fkd.geometry import Image
from fkd.io.files import reason
from fkd.io.heif import decode_heic, is_heic
from fkd.io.image_errors import ImageError as ImageError
from fkd.io.image_errors import UnknownFormat
from fkd.io.jpeg import START as JPEG_START
from fkd.io.jpeg import decode_jpeg
from fkd.io.other_formats import decode_other
from fkd.io.pixels import Picture as Picture
from fkd.io.unread_formats import unread_format

HEIC_SUFFIXES = (".heic", ".heif", ".hif")
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".jfif", ".ppm", ".pgm", ".pbm", ".pnm", *HEIC_SUFFIXES),
)
# Of a picture that the user chose; of other formats than JPEG, Pillow opens 178 megapixels at most.
MAX_PIXELS = 200_000_000
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # C:// is a drive


def is_address(text: str) -> bool:
    """Whether a text is an address, of whatever scheme, and not the path of a file."""
    return ADDRESS.match(text) is not None


def read_image(place: Path | str) -> Image:
    """A photo as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    place: the path of a file; or, as a text, an http or https address, within the limits of
    `fkd.io.web`. Raises ImageError when it is missing, unreadable, or not a picture.
    """
    return read_picture(place).pixels


def read_picture(place: Path | str) -> Picture:
    """As `read_image`, and whether the file has several."""
    return decode_picture(_read(place), str(place))


def _read(place: Path | str) -> bytes:
    if isinstance(place, str) and is_address(place):
        from fkd.io.web import fetch  # takes 50 ms

        with _naming(place):
            return fetch(place)
    path = Path(place)
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not a photo")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {reason(error)}") from None


def decode_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image:
    """The photo in the bytes of a picture file, uint8 (H, W, 3) BGR; `name` is for messages.

    It is turned as its EXIF data says. 16-bit pictures are scaled to 8, floats are taken as 0 to 1,
    palettes and CMYK converted, transparency composited on white; of several frames or pages, it is
    the first. The size is read from the header alone, so that a small file cannot ask for much
    memory: one of 10 MB and 40 megapixels takes at most 600 MB. Safe to call from several threads.
    Raises ImageError and nothing else: TooManyPixels above `max_pixels`, UnknownFormat for what is
    no picture that is read, ImageError for one that is broken.
    """
    return decode_picture(data, name, max_pixels).pixels


def decode_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Picture:
    """As `decode_image`, and whether the file has several."""
    with _naming(name):
        return _decode(data, max_pixels)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Puts a name before the message of an ImageError."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{name}: {error}") from None


def _decode(data: bytes, max_pixels: int) -> Picture:
    if not data:
        raise ImageError("the file is empty")
    if unread := unread_format(data):
        raise UnknownFormat(f"is {unread}, which is not read")
    if data.startswith(JPEG_START):
        return Picture(decode_jpeg(data, max_pixels))  # what phones put behind it is no other photo
    return decode_heic(data, max_pixels) if is_heic(data) else decode_other(data, max_pixels)


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of an image (H, W) or (H, W, 3) BGR."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()
