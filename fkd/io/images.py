"""Reading picture files of any kind, and writing PNG."""

from pathlib import Path

import cv2

from fkd.geometry import Image
from fkd.io.files import reason
from fkd.io.image_errors import ImageError as ImageError
from fkd.io.jpeg import START as JPEG_START
from fkd.io.jpeg import decode_jpeg
from fkd.io.other_formats import decode_other

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
# Of a picture that the user chose; of other formats than JPEG, Pillow opens 178 megapixels at most.
MAX_PIXELS = 200_000_000


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


def decode_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image:
    """The photo in the bytes of a picture file, uint8 (H, W, 3) BGR; `name` is for messages.

    It is turned as its EXIF data says. 16-bit pictures are scaled to 8, floats are taken as 0 to 1,
    palettes and CMYK converted, transparency composited on white. The size is read from the header
    alone, so that a small file cannot ask for much memory: one of 10 MB and 40 megapixels takes at
    most 600 MB. Safe to call from several threads.
    Raises ImageError and nothing else: TooManyPixels above `max_pixels`, UnknownFormat for what is
    no picture, ImageError for one that is broken.
    """
    try:
        if not data:
            raise ImageError("the file is empty")
        decode = decode_jpeg if data.startswith(JPEG_START) else decode_other
        return decode(data, max_pixels)
    except ImageError as error:
        raise type(error)(f"{name}: {error}") from None


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of an image (H, W) or (H, W, 3) BGR."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()
