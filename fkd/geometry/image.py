"""What an image of a caller must be."""

import numpy as np

from fkd.geometry import Image


def checked_image(image: object, name: str) -> Image:
    """An image if it is uint8, (H, W) grey or (H, W, 3) BGR; `name` is for messages. Raises
    ValueError for anything else."""
    if image is None:
        raise ValueError(f"{name}: is None; cv2.imread gives that for a file that it cannot read")
    if not isinstance(image, np.ndarray):
        kind = type(image).__name__
        raise ValueError(f"{name}: uint8 (H, W) or (H, W, 3) expected, not {kind}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"{name}: uint8 (H, W) or (H, W, 3) expected, not {image.dtype} {image.shape}"
        )
    if image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(f"{name}: 3 channels in BGR order expected, not {image.shape[2]}")
    return image
