"""Pictures that strangers send: looked at before they are decoded."""

import io
import warnings

from PIL import Image as Pillow

from fkd.photo import JPEG_START, SCAN, PhotoError, decode_photo
from fkd.preprocess import Image
from fkd.server.refusal import Refusal

FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
# A progressive JPEG of a camera has about ten scans; each costs a pass over all its pixels.
MOST_SCANS = 64


def decode_sent(data: bytes, max_pixels: int) -> Image:
    """The picture as uint8 (H, W, 3) BGR, turned as its EXIF data says.

    Its size is read from the header alone, so that a small file cannot ask for much memory.
    Raises Refusal: 415 when it is no picture, 413 when it has too many pixels, 422 when broken.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
    except Pillow.DecompressionBombError:
        raise Refusal(413, f"the picture has more than {max_pixels} pixels") from None
    except Exception:  # Pillow raises errors of many kinds on files that are no pictures
        raise Refusal(415, "the body is not a picture that can be read") from None
    if width * height > max_pixels:
        raise Refusal(413, f"the picture has {width}x{height} pixels, more than {max_pixels}")
    if data.startswith(JPEG_START) and data.count(SCAN) > MOST_SCANS:
        raise Refusal(422, f"the JPEG has more than {MOST_SCANS} scans")
    try:
        return decode_photo(data, "the picture")
    except PhotoError as error:
        raise Refusal(422, str(error)) from None
