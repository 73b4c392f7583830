"""Pictures that clients send, and the status that a bad one gets."""

import math

from fkd.detection.haar import WINDOW
from fkd.geometry import Image
from fkd.io.image_errors import ImageError, TooManyPixels, UnknownFormat
from fkd.io.images import decode_image
from fkd.server.errors import ApiError


def decode_upload(data: bytes, max_pixels: int) -> Image:
    """The picture as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Raises ApiError: 415 for what is no picture, 413 for too many pixels, 422 for a broken one.
    """
    try:
        return decode_image(data, "the picture", max_pixels)
    except TooManyPixels as error:
        raise ApiError(413, str(error)) from None
    except UnknownFormat:
        raise ApiError(415, "the body is not a picture that can be read") from None
    except ImageError as error:
        raise ApiError(422, str(error)) from None


def check_min_face(min_face: int | None, image: Image, max_search_pixels: int) -> None:
    """Raise ApiError 422 where so small faces, in pixels, would take too long to search for
    (`Settings`)."""
    height, width = image.shape[:2]
    least = math.ceil(WINDOW * math.sqrt(height * width / max_search_pixels))
    if min_face is not None and min_face < least:
        reason = f"min_face must be at least {least} for a picture of {width}x{height} pixels"
        raise ApiError(422, f"{reason}, not {min_face}")
