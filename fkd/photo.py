"""Reading photos: one way in for every picture, whoever asks."""

from pathlib import Path

import cv2
import numpy as np

from fkd.preprocess import Image

# Pictures above this are refused before they are decoded: a small file can claim any size.
MAX_MEGAPIXELS = 200


class PhotoError(ValueError):
    """A picture that cannot be used; the message is one sentence that names it."""


def read_photo(path: Path) -> Image:
    """A photo as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Raises PhotoError when the file is missing, unreadable, or not a picture.
    """
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise PhotoError(f"{path}: is a folder, not a photo") from None
    except OSError as error:
        raise PhotoError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return decode_photo(data, str(path))


def decode_photo(data: bytes, name: str) -> Image:
    """The photo in the bytes of a picture file, uint8 (H, W, 3) BGR; `name` is for messages.

    16-bit pictures are scaled to 8 bits, transparency is laid on white. Raises PhotoError.
    """
    if not data:
        raise PhotoError(f"{name}: the file is empty")
    try:
        # IMREAD_COLOR also turns by EXIF and converts palettes and CMYK; only alpha is lost on it.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise PhotoError(f"{name}: not a picture that can be decoded (JPEG, PNG, WebP, ... expected)")
    return np.asarray(image, dtype=np.uint8)
