"""What a HEIC file tells of the pictures that its main one is put together from.

A file is made of boxes, some with boxes inside: a length, a kind, the contents (ISO/IEC 14496-12
and 23008-12). Those in `meta` give each picture a number, a size, and references to others.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

# References from a picture to its parts, and to it from its opacity or a map, as of depth.
PARTS, BESIDE = b"dimg", b"auxl"
VERSION = 4  # bytes of a version and flags, which many kinds of boxes begin with


class BrokenBoxes(ValueError):
    """Boxes that do not fit into each other, or lack what is needed."""


@dataclass
class Items:
    """main: numbers of the main pictures. properties: how many pixels each property tells of; None
    for another one than a size. of_item: the indices of a picture's properties, from 1. parts,
    beside: the numbers of a picture's parts, and of those beside it."""

    main: set[int] = field(default_factory=set)
    properties: list[int | None] = field(default_factory=list)
    of_item: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    parts: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    beside: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def pixels_of_parts(data: bytes, opacity: bool) -> int:
    """The pixels of the main picture and of all that is decoded for it. opacity: whether it has;
    otherwise what lies beside it are maps. Raises BrokenBoxes; IndexError and struct.error where
    the data end too soon."""
    items = Items()
    for kind, contents in boxes(data):
        if kind == b"meta":
            _read_meta(contents[VERSION:], items)
    waiting, seen = list(items.main), set(items.main)
    while waiting:
        item = waiting.pop()
        maps = item in items.main and not opacity
        new = items.parts[item] | (set() if maps else items.beside[item])
        waiting += new - seen
        seen |= new
    return sum(_pixels(items, item) for item in seen)


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and contents of each box."""
    place = 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        end = place + size if size else len(data)
        if not place + head <= end <= len(data):
            raise BrokenBoxes("a box does not fit")
        yield kind, data[place + head : end]
        place = end


def _pixels(items: Items, item: int) -> int:
    sizes = [items.properties[index - 1] for index in items.of_item[item] if index]
    known = [size for size in sizes if size is not None]
    if not known:
        raise BrokenBoxes("a picture has no size")
    return max(known)


def _read_meta(meta: bytes, items: Items) -> None:
    for kind, contents in boxes(meta):
        if kind == b"pitm":
            items.main.add(int.from_bytes(contents[VERSION:], "big"))
        elif kind == b"iref":
            _read_references(contents, items)
        elif kind == b"iprp":
            for inner, its_contents in boxes(contents):
                if inner == b"ipco":
                    items.properties += [_size(*box) for box in boxes(its_contents)]
                elif inner == b"ipma":
                    _read_associations(its_contents, items)


def _size(kind: bytes, contents: bytes) -> int | None:
    if kind != b"ispe":
        return None
    width, height = struct.unpack_from(">II", contents, VERSION)
    return int(width * height)


def _read_references(iref: bytes, items: Items) -> None:
    number = "I" if iref[0] else "H"
    for kind, contents in boxes(iref[VERSION:]):
        source, count = struct.unpack_from(f">{number}H", contents)
        start = struct.calcsize(f">{number}H")
        for target in struct.unpack_from(f">{count}{number}", contents, start):
            if kind == PARTS:
                items.parts[source].add(target)
            elif kind == BESIDE:
                items.beside[target].add(source)


def _read_associations(ipma: bytes, items: Items) -> None:
    number = "I" if ipma[0] else "H"
    index, index_bits = ("H", 0x7FFF) if ipma[3] & 1 else ("B", 0x7F)
    (entries,), place = struct.unpack_from(">I", ipma, VERSION), VERSION + 4
    for _ in range(entries):
        item, count = struct.unpack_from(f">{number}B", ipma, place)
        place += struct.calcsize(f">{number}B")
        for value in struct.unpack_from(f">{count}{index}", ipma, place):
            items.of_item[item].add(value & index_bits)
        place += struct.calcsize(f">{count}{index}")
