"""HEIC files that lay pictures of many pixels under one of few."""

import struct
from pathlib import Path

DATA = Path(__file__).parent / "data"
# Of one colour, 8000x5000 pixels; written by pillow-heif.
EIGHT_BITS = (DATA / "forty_megapixels.heic").read_bytes()
TEN_BITS = (DATA / "forty_megapixels_of_ten_bits.heic").read_bytes()
OPACITY = (DATA / "opacity.heic").read_bytes()  # which shows a part of what is decoded


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def full_box(kind: bytes, data: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + data)


def grid(picture: bytes, rows: int, columns: int, width: int, height: int) -> bytes:
    """A picture of this size whose tiles are all the one of a HEIC file."""
    tiles, last = range(1, rows * columns + 1), rows * columns + 1
    start = picture.index(b"mdat") + 4
    hvcc = picture.index(b"hvcC") - 4
    coder = picture[hvcc : hvcc + int.from_bytes(picture[hvcc : hvcc + 4], "big")]
    size = picture.index(b"ispe") - 4
    sizes = picture[size : size + 20] + full_box(b"ispe", struct.pack(">II", width, height))
    kinds = [full_box(b"infe", struct.pack(">HH4sB", i, 0, b"hvc1", 0), 2, 1) for i in tiles]
    kinds.append(full_box(b"infe", struct.pack(">HH4sB", last, 0, b"grid", 0), 2))
    of_tiles = b"".join(struct.pack(">HBBB", i, 2, 0x81, 2) for i in tiles)
    boxes = [
        full_box(b"hdlr", struct.pack(">I4s13x", 0, b"pict")),
        full_box(b"pitm", struct.pack(">H", last)),
        full_box(b"iinf", struct.pack(">H", last) + b"".join(kinds)),
        full_box(b"iref", box(b"dimg", struct.pack(f">HH{last - 1}H", last, last - 1, *tiles))),
        box(
            b"iprp",
            box(b"ipco", coder + sizes)
            + full_box(
                b"ipma", struct.pack(">I", last) + of_tiles + struct.pack(">HBB", last, 1, 3)
            ),
        ),
        box(b"idat", struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)),
    ]
    head = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")

    def meta(place: int) -> bytes:
        stored = [struct.pack(">HHHHII", i, 0, 0, 1, place, len(picture) - start) for i in tiles]
        stored.append(struct.pack(">HHHHII", last, 1, 0, 1, 0, 8))
        places = full_box(b"iloc", struct.pack(">BBH", 0x44, 0, last) + b"".join(stored), 1)
        return full_box(b"meta", b"".join([*boxes, places]))

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", picture[start:])


def claiming(picture: bytes, width: int, height: int) -> bytes:
    """A HEIC file whose header tells another size."""
    size = picture.index(b"ispe") + 8
    return picture[:size] + struct.pack(">II", width, height) + picture[size + 8 :]


def with_metadata_of_no_name() -> bytes:
    """A HEIC file whose EXIF data are of a kind that is no text, at which pi-heif's own reader
    ends the process."""
    return (DATA / "turned.heic").read_bytes().replace(b"Exif", b"E\xff\xfff", 1)
