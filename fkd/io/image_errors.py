"""Why the bytes of a file cannot be used as a picture."""


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence that names it."""


class UnknownFormat(ImageError):
    """Bytes that are no picture of a format that is read."""


class TooManyPixels(ImageError):
    """A picture whose header tells of more pixels than are allowed."""


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raises TooManyPixels for a size, known from the header alone, above the limit."""
    if width * height > max_pixels:
        raise TooManyPixels(f"has {width}x{height} pixels, more than {max_pixels}")
