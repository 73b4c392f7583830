"""Pictures that clients send: their size is checked before they are decoded."""

import io

from PIL import Image as Pillow

from fkd.geometry import Image
from fkd.io.images import JPEG_START, SCAN, ImageError, decode_image
from fkd.server.errors import ApiError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
# A camera's progressive JPEG has about ten scans; each costs a pass over all pixels.
MAX_SCANS = 64


def decode_upload(data: bytes, max_pixels: int) -> Image:
    """The picture as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Its size is read from the header alone, so that a small file cannot ask for much memory.
    Raises ApiError: 415 for what is no picture, 413 for too many pixels, 422 for a broken one.
    """
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
    except Pillow.DecompressionBombError:
        raise ApiError(413, f"the picture has more than {max_pixels} pixels") from None
    except Exception:  # Pillow raises errors of many kinds on files that are no pictures
        raise ApiError(415, "the body is not a picture that can be read") from None
    if width * height > max_pixels:
        raise ApiError(413, f"the picture has {width}x{height} pixels, more than {max_pixels}")
    if data.startswith(JPEG_START) and data.count(SCAN) > MAX_SCANS:
        raise ApiError(422, f"the JPEG has more than {MAX_SCANS} scans")
    try:
        return decode_image(data, "the picture")
    except ImageError as error:
        raise ApiError(422, str(error)) from None
