"""Pictures that clients send, and the status that a bad one gets."""

import math

from fkd.geometry import Image
from fkd.inference.predictor import Predictor
from fkd.io.heif import is_heic
from fkd.io.image_errors import ImageError, TooManyPixels, UnknownFormat
from fkd.io.images import Picture, decode_picture
from fkd.server.errors import ApiError


def decode_upload(data: bytes, max_pixels: int) -> Picture:
    """The picture, turned as its EXIF data says, and whether its file has several.

    Raises ApiError: 415 for what is no picture, 413 for too many pixels, 422 for a broken one.
    """
    try:
        return decode_picture(data, "the picture", max_pixels)
    except TooManyPixels as error:
        raise ApiError(413, str(error)) from None
    except UnknownFormat as error:
        # What would install the extra, which the error says, is none of the client's business.
        unread = "the picture: is HEIC, which this server does not read"
        raise ApiError(415, unread if is_heic(data) else str(error)) from None
    except ImageError as error:
        raise ApiError(422, str(error)) from None


def check_min_face(
    min_face: int | None, image: Image, predictor: Predictor, max_search_pixels: int
) -> None:
    """Raise ApiError 422 where so small faces, in pixels, would take too long to search for
    (`Settings`). Less than the detector's window is searched for as the window."""
    if min_face is None:
        return
    height, width = image.shape[:2]
    window = predictor.pipeline.detector.window
    least = math.ceil(window * math.sqrt(height * width / max_search_pixels))
    if max(min_face, window) < least:
        reason = f"min_face must be at least {least} for a picture of {width}x{height} pixels"
        raise ApiError(422, f"{reason}, not {min_face}")
