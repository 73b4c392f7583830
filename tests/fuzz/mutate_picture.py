"""Changes to picture files that keep them picture files, so that decoders get past the header.

PNG, JPEG and WebP are split, their chunks are changed, and lengths and checksums are made right
again, or one of them is made to lie; of TIFF, BMP, GIF and PPM single numbers are changed.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from random import Random

from fuzz.mutate import NUMBERS, Chunk, Field, mutate_bytes, mutate_chunks, mutate_fields

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START, JPEG_SCAN = b"\xff\xd8", 0xDA
PPM_STARTS = (b"P5", b"P6")


def mutate_picture(data: bytes, random: Random) -> bytes:
    """A picture file of the same format, as a rule."""
    for _ in range(random.choice((1, 1, 2, 4))):
        data = _mutate_picture_once(data, random)
    return data


def _mutate_picture_once(data: bytes, random: Random) -> bytes:
    if random.random() < 0.2:
        return mutate_bytes(data, random)
    if data.startswith(PNG_START):
        return join_png(mutate_chunks(split_png(data), random, _inside_png), random)
    if data.startswith(JPEG_START):
        return join_jpeg(mutate_chunks(split_jpeg(data), random))
    if data.startswith(b"RIFF"):
        return join_riff(mutate_chunks(split_riff(data), random), random)
    if data.startswith(PPM_STARTS):
        return _mutate_ppm(data, random)
    if fields := list(_fields(data)):
        return mutate_fields(data, random, fields)
    return mutate_bytes(data, random)


def _mutate_ppm(data: bytes, random: Random) -> bytes:
    """One of the numbers in the header replaced: they are written as text."""
    found = random.choice(list(re.finditer(rb"\d+", data[:20])))  # the first is in the start
    return data[: found.start()] + b"%d" % random.choice(NUMBERS) + data[found.end() :]


def split_png(data: bytes) -> list[Chunk]:
    """The chunks of a PNG file, as far as they are whole."""
    chunks, place = [], len(PNG_START)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def join_png(chunks: list[Chunk], random: Random | None = None) -> bytes:
    """The file of some chunks; with `random`, one in eight has a length that lies."""
    liar = random.randrange(8 * len(chunks)) if random and chunks else None
    data = PNG_START
    for i, (kind, content) in enumerate(chunks):
        length = random.choice(NUMBERS) if random and i == liar else len(content)
        checksum = zlib.crc32(kind + content)
        data += struct.pack(">I", length) + kind + content + struct.pack(">I", checksum)
    return data


def _inside_png(content: bytes, random: Random) -> bytes:
    """Changed before or after compression, or where the header's numbers stand."""
    if len(content) == 13:
        return mutate_fields(
            content, random, [(0, ">I"), (4, ">I"), *((i, "B") for i in range(8, 13))]
        )
    try:
        inflated = zlib.decompressobj().decompress(content, 1 << 16)
    except zlib.error:
        return mutate_bytes(content, random)
    return zlib.compress(mutate_bytes(inflated, random) * random.choice((1, 1, 500)))


def split_jpeg(data: bytes) -> list[Chunk]:
    """The segments of a JPEG file; the last is the scan with all that follows."""
    segments, place = [], len(JPEG_START)
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != JPEG_SCAN:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        segments.append((data[place : place + 2], data[place + 4 : end]))
        place = end
    return [*segments, (b"", data[place:])]


def join_jpeg(segments: list[Chunk]) -> bytes:
    """The file of some segments."""
    data = JPEG_START
    for marker, content in segments:
        length = struct.pack(">H", (len(content) + 2) % 2**16) if marker else b""
        data += marker + length + content
    return data


def split_riff(data: bytes) -> list[Chunk]:
    """The chunks of a WebP file, as far as they are whole."""
    chunks, place = [], 12
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        chunks.append((data[place : place + 4], data[place + 8 : place + 8 + length]))
        place += 8 + length + length % 2
    return chunks


def join_riff(chunks: list[Chunk], random: Random | None = None) -> bytes:
    """The file of some chunks; with `random`, one in eight has a length that lies."""
    liar = random.randrange(8 * len(chunks)) if random and chunks else None
    body = b"WEBP"
    for i, (kind, content) in enumerate(chunks):
        length = random.choice(NUMBERS) if random and i == liar else len(content)
        body += kind + struct.pack("<I", length) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _fields(data: bytes) -> Iterator[Field]:
    """Where the numbers of a TIFF, BMP or GIF file stand."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        yield from _tiff_fields(data, "<" if data[:2] == b"II" else ">")
    elif data.startswith(b"BM"):
        yield from ((place, "<I") for place in (2, 10, 14, 18, 22, 30, 34, 46))
        yield from ((26, "<H"), (28, "<H"))
    elif data.startswith(b"GIF8"):
        yield from ((6, "<H"), (8, "<H"), (10, "B"))
        for found in re.finditer(rb"\x00,", data):  # an image: its place, size, flags, code size
            yield from ((found.end() + 2 * i, "<H") for i in range(4))
            yield from ((found.end() + 8, "B"), (found.end() + 9, "B"))


def _tiff_fields(data: bytes, order: str) -> Iterator[Field]:
    """The numbers of the first directory's entries: tag, type, count, value; and what those of
    several values point to."""
    if len(data) < 8:
        return
    yield 4, order + "I"
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for entry in range(start + 2, min(start + 2 + 12 * count, len(data) - 12), 12):
        yield from ((entry, order + "H"), (entry + 2, order + "H"), (entry + 4, order + "I"))
        yield from ((entry + 8, order + "H"), (entry + 8, order + "I"))
        values, target = struct.unpack_from(order + "II", data, entry + 4)
        if values > 2 and target + 2 <= len(data):
            yield target, order + "H"
