"""Reading photos and writing files: one way in for every picture, one way out for every result."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fkd.preprocess import Image

JPEG_START, SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
BAND = 64
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


class PhotoError(ValueError):
    """A picture that cannot be used; the message is one sentence that names it."""


def read_photo(path: Path) -> Image:
    """A photo as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Raises PhotoError when the file is missing, unreadable, or not a picture.
    """
    if path.is_dir():
        raise PhotoError(f"{path}: is a folder, not a photo")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return decode_photo(data, str(path))


def decode_photo(data: bytes, name: str) -> Image:
    """The photo in the bytes of a picture file, uint8 (H, W, 3) BGR; `name` is for messages.

    16-bit pictures are scaled to 8, palettes and CMYK converted, transparency laid on white. EXIF
    turns are applied to 8-bit pictures without transparency, which is what cameras make.
    Raises PhotoError for anything that is not a whole picture.
    """
    if not data:
        raise PhotoError(f"{name}: the file is empty")
    jpeg = data.startswith(JPEG_START)
    if jpeg and not _jpeg_ends(data):
        raise PhotoError(f"{name}: the JPEG is truncated")
    try:
        with _quiet():
            # The ordinary way turns by EXIF and converts CMYK and palettes, but drops depth and
            # transparency, which a JPEG has not.
            image = None if jpeg else cv2.imdecode(_array(data), cv2.IMREAD_UNCHANGED)
            if jpeg or (image is not None and _is_colour(image)):
                image = cv2.imdecode(_array(data), cv2.IMREAD_COLOR)
    except cv2.error as error:
        too_large = "CV_IO_MAX_IMAGE" in str(error)
        raise PhotoError(f"{name}: {'too many pixels' if too_large else 'not a picture'}") from None
    if image is None:
        raise PhotoError(f"{name}: not a picture that can be read")
    return _as_bgr(image)


def _array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def _jpeg_ends(data: bytes) -> bool:
    """Whether the end marker follows the start of the picture's scan.

    Phones put a film or a second picture behind the end, and a thumbnail with an end of its own
    before the scan, so the segments are walked: marker, then a length that counts itself.
    """
    place = len(JPEG_START)
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != SCAN[1:]:
        filler = data[place + 1 : place + 2] == b"\xff"
        place += 1 if filler else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return JPEG_END in data[place:]


def _is_colour(image: np.ndarray) -> bool:
    return image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3)


def _as_bgr(image: np.ndarray) -> Image:
    """uint8 BGR of a decoded picture of any depth and number of channels."""
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    elif image.dtype != np.uint8:
        image = np.clip(image, 0, 1) * 255
    image = np.asarray(image, dtype=np.uint8)
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    if image.shape[2] == 4:
        return _on_white(image)
    return np.ascontiguousarray(image[..., :3])


def _on_white(image: Image) -> Image:
    """BGRA laid on white, in bands of rows: as floats a large picture would take 36 times its
    pixels in bytes."""
    laid = np.empty((*image.shape[:2], 3), np.uint8)
    for start in range(0, len(image), BAND):
        band = image[start : start + BAND]
        alpha = band[..., 3:].astype(np.float32) / 255
        laid[start : start + BAND] = np.round(band[..., :3] * alpha + 255 * (1 - alpha))
    return laid


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the decoders' own complaints off standard error; ours name the file."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of an image (H, W) or (H, W, 3) BGR."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:32]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
