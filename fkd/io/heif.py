"""HEIC, the photos of iPhones and of many cameras, by pi-heif: libheif and libde265.

Its size stands in the header, but what must be decoded for it does not: a file of ten kilobytes may
lay forty pictures of 40 megapixels under one of 64x64. Their sizes are added up before.
"""

from importlib.util import find_spec
from typing import Any

import numpy as np

from fkd.geometry import Image
from fkd.io.heif_boxes import pixels_of_parts
from fkd.io.image_errors import ImageError, UnknownFormat, check_pixels
from fkd.io.pixels import Picture, bgra_to_bgr, to_bgr

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
# What may be decoded for each pixel of the picture: itself, its tiles, their opacity; small ones
# may have some more for whole tiles.
MAX_PARTS, MAX_PARTS_WITH_OPACITY, SPARE_PIXELS = 2.2, 3.3, 1_000_000
# Samples of more than 8 bits, which no header need tell of, take 12 bytes a pixel without opacity.
MAX_PIXELS_WITH_OPACITY = 20_000_000
THREADS = 4
# Samples and channels of what pi-heif gives, by its name for them.
SAMPLES = {
    "BGR": (np.uint8, (3,)),
    "BGRA": (np.uint8, (4,)),
    "L": (np.uint8, ()),
    "I;16": (np.uint16, ()),
}


def is_heic(data: bytes) -> bool:
    """Whether the bytes of a file start as HEIC does."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def can_read_heic() -> bool:
    """Whether the extra for it is installed."""
    return find_spec("pi_heif") is not None


def decode_heic(data: bytes, max_pixels: int) -> Picture:
    """The main picture of a file, turned as it says. Raises ImageError."""
    if not can_read_heic():
        from fkd.io.extras import install_hint  # takes 30 ms

        raise UnknownFormat(f"is HEIC, which takes an extra to read: {install_hint('formats')}")
    try:
        pictures = _open(data)
        main = next(picture for picture in pictures if picture.primary)
        size, mode = main.size_mode
        _check(data, size, mode, max_pixels)
        return Picture(_pixels(main), several=len(pictures) > 1)
    except ImageError:
        raise
    except Exception:  # pi-heif raises errors of many kinds
        raise ImageError("not a picture that can be read") from None


def _open(data: bytes) -> list[Any]:
    """The pictures of a file, not decoded yet."""
    # Beneath the Python part of pi-heif, which would read EXIF and the like at once: where a file
    # gives them a kind that is no text, its C part ends the process.
    import _pi_heif

    to_8_bits, bgr, dense, to_16_bits, any_decoder, no_limits = True, True, True, True, "", False
    options = (THREADS, to_8_bits, bgr, dense, to_16_bits, any_decoder, no_limits)
    return [picture for picture in _pi_heif.load_file(data, *options) if picture is not None]


def _check(data: bytes, size: tuple[int, int], mode: str, max_pixels: int) -> None:
    """Raises ImageError for a picture that would take too much to decode."""
    width, height = size
    opacity = mode == "BGRA"
    check_pixels(width, height, min(max_pixels, MAX_PIXELS_WITH_OPACITY) if opacity else max_pixels)
    most_parts = MAX_PARTS_WITH_OPACITY if opacity else MAX_PARTS
    if pixels_of_parts(data, opacity) > most_parts * width * height + SPARE_PIXELS:
        raise ImageError("the HEIC is made of parts with very many more pixels than it has")


def _pixels(picture: Any) -> Image:
    from PIL import Image as Pillow

    (width, height), mode = picture.size_mode
    kind, shape = SAMPLES[mode]
    samples = np.frombuffer(picture.data, kind).reshape(height, width, *shape)
    if mode == "BGRA":
        return bgra_to_bgr(samples)
    if mode == "BGR":
        return samples.copy()  # what pi-heif decoded cannot be written to
    return to_bgr(Pillow.fromarray(samples))
