"""Pictures that clients of the server send."""

from fkd.server.errors import ApiError
from fkd.server.pictures import decode_upload
from fuzz.memory import memory_below
from fuzz.mutate_picture import mutate_picture as mutate
from fuzz.pictures import small_pictures as seeds

__all__ = ["check", "mutate", "seeds"]

MEGABYTES, MAX_PIXELS = 600, 40_000_000


def check(data: bytes) -> None:
    """A picture within the limit comes out, or ApiError that blames the client."""
    try:
        with memory_below(MEGABYTES):
            picture = decode_upload(data, MAX_PIXELS)
    except ApiError as error:
        assert error.status in (413, 415, 422), error.status
        return
    height, width = picture.pixels.shape[:2]
    assert height * width <= MAX_PIXELS, (width, height)
