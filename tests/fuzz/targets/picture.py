"""Picture files, as `fkd infer` and `prepare` read them."""

import io
import math

import numpy as np
from PIL import Image as Pillow

from fkd.io.images import ImageError, decode_image
from fuzz.memory import memory_below
from fuzz.mutate_picture import mutate_picture as mutate
from fuzz.pictures import small_pictures as seeds

__all__ = ["check", "mutate", "seeds"]

# What SECURITY.md promises.
MEGABYTES, MAX_PIXELS = 600, 40_000_000


def check(data: bytes) -> None:
    """A picture comes out, uint8 (H, W, 3), or ImageError, in bounded memory."""
    try:
        with memory_below(MEGABYTES if _pixels(data) <= MAX_PIXELS else math.inf):
            image = decode_image(data, "a picture")
    except ImageError as error:
        assert "\n" not in str(error), error
        return
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, image.shape


def _pixels(data: bytes) -> int:
    """As the file's header says; 0 for what is no picture."""
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            return picture.width * picture.height
    except Exception:  # Pillow raises errors of many kinds
        return 0
