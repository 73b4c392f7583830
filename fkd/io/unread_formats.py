"""Formats of pictures that are known by sight and not read.

JPEG 2000 takes 740 MB for 40 megapixels. An AVIF may hide a picture of 268 megapixels under a small
size. Of the others, raw photos, no decoder is at hand.
"""

# What files of a format start with, from which byte on.
STARTS = {
    "AVIF": (4, (b"ftypavif", b"ftypavis")),
    "JPEG 2000": (0, (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    "JPEG XL": (0, (b"\x00\x00\x00\x0cJXL \r\n\x87\n", b"\xff\x0a")),
    "Photoshop": (0, (b"8BPS",)),
    "Canon raw": (4, (b"ftypcrx ",)),
}
SUFFIXES = (
    *(".avif", ".jp2", ".j2k", ".jpf", ".jxl", ".psd", ".svg", ".tga", ".ico", ".exr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
)


def unread_format(data: bytes) -> str | None:
    """The name of the format that the bytes of a file are of, where it is one of these."""
    for name, (place, starts) in STARTS.items():
        if data.startswith(starts, place):
            return name
    return None
