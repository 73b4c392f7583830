"""PNG, TIFF, WebP, BMP, GIF and PPM, by Pillow: OpenCV lets libpng print on standard error, and
drops depth or transparency."""

import contextlib
import io
import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.image_errors import ImageError, TooManyPixels, UnknownFormat, check_pixels
from fkd.io.pixels import Picture, bgra_to_bgr, to_bgr, turned

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# What Pillow may open; some of its other formats start programs.
FORMATS = ("BMP", "GIF", "PNG", "PPM", "TIFF", "WEBP")
PNG_START = b"\x89PNG\r\n\x1a\n"
CHUNK_FRAME = 12  # bytes of a chunk's length, kind and checksum
MAX_CHUNKS = 100_000  # Pillow takes some microseconds for each
# Pillow looks for the size byte by byte, and would do so in megabytes of blanks.
PPM_HEADER = re.compile(rb"P\S{1,5}(\s+(#[^\n\r]*[\n\r]\s*)*\d+){2}")
MAX_PPM_HEADER = 4096
# Pillow decodes run-length BMP and some PPM in Python, at a microsecond a byte.
MAX_SLOW_BYTES = 1_000_000
ORIENTATION = 0x0112  # EXIF tag
# TIFF tags
TILE_WIDTH, TILE_HEIGHT, BITS, SAMPLE_FORMAT, COMPRESSION = 322, 323, 258, 339, 259
# Libtiff prints a line on standard error for each damaged row of a fax: 300 MB for a file of two.
FAX = (2, 3, 4, 32771)
UNSIGNED, FLOAT = 1, 3
DEPTHS = {1, 2, 4, 8, 16}


def decode_other(data: bytes, max_pixels: int) -> Picture:
    """The first picture of a file, turned as its EXIF data says. Raises ImageError."""
    from PIL import Image as Pillow  # takes 30 ms, which a JPEG is spared

    if data.startswith(PNG_START):
        _check_png(data)
    if data.startswith(b"P") and not PPM_HEADER.match(data[:MAX_PPM_HEADER]):
        raise UnknownFormat("not a picture that can be read")
    try:
        picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except Pillow.DecompressionBombError:
        most = min(max_pixels, 2 * (Pillow.MAX_IMAGE_PIXELS or max_pixels))
        raise TooManyPixels(f"has more than {most} pixels") from None
    except Exception:  # Pillow raises errors of many kinds on files that are no pictures
        raise UnknownFormat("not a picture that can be read") from None
    with picture:
        check_pixels(*picture.size, max_pixels)
        try:
            if picture.format == "TIFF":
                _check_tiff(picture, max_pixels)
            slow = any(tile.codec_name in Pillow.DECODERS for tile in picture.tile)
            if slow and len(data) > MAX_SLOW_BYTES:
                raise ImageError(f"is a {picture.format} file of a kind that may have 1 MB")
            return Picture(_decode(picture, data), _has_several(picture))
        except ImageError:
            raise
        except Exception:
            raise ImageError("not a picture that can be read") from None


def _check_png(data: bytes) -> None:
    """Raises ImageError for a chunk that runs past the end of the data, and for very many."""
    place, chunks = len(PNG_START), 0
    while place < len(data) and data[place + 4 : place + 8] != b"IEND":
        place += CHUNK_FRAME + int.from_bytes(data[place : place + 4], "big")
        chunks += 1
    if place > len(data):
        raise ImageError("the PNG is truncated")
    if chunks > MAX_CHUNKS:
        raise ImageError(f"the PNG has more than {MAX_CHUNKS} chunks")


def _check_tiff(picture: "PillowImage", max_pixels: int) -> None:
    """Raises ImageError for samples and a coding that are not read, and for tiles of too many
    pixels."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if tags.get(COMPRESSION) in FAX:
        raise ImageError("is coded as a fax, not a photo")
    check_pixels(tags.get(TILE_WIDTH, 0), tags.get(TILE_HEIGHT, 0), max_pixels)
    kinds, depths = set(tags.get(SAMPLE_FORMAT, [UNSIGNED])), set(tags.get(BITS, [1]))
    if kinds != {FLOAT} and not (kinds == {UNSIGNED} and depths <= DEPTHS):
        raise ImageError("its samples are neither uint8, uint16 nor float")


def _decode(picture: "PillowImage", data: bytes) -> Image:
    if picture.format == "WEBP":
        image = _decode_webp(data)
    else:
        picture.load()
        image = to_bgr(picture)
    with contextlib.suppress(Exception):  # the pixels are good, whatever EXIF says
        image = turned(image, picture.getexif().get(ORIENTATION, 1))
    return image


def _has_several(picture: "PillowImage") -> bool:
    """Whether a second picture begins in the file; the rest of it is not looked at."""
    try:
        return bool(getattr(picture, "is_animated", False))
    except Exception:  # the first picture is good, whatever follows
        return False


def _decode_webp(data: bytes) -> Image:
    """By OpenCV: Pillow takes a gigabyte for 40 megapixels."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ImageError("not a picture that can be read")
    pixels = np.asarray(image, np.uint8)
    return bgra_to_bgr(pixels) if pixels.shape[2] == 4 else pixels
