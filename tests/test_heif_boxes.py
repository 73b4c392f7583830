"""How many pixels a HEIC file has decoded, counted from boxes written here."""

import struct

import pytest
from crafted_heif import EIGHT_BITS, TEN_BITS, box, full_box, grid

from fkd.io.heif_boxes import BrokenBoxes, boxes, pixels_of_parts

SIZES = {1: (100, 80), 2: (60, 80), 3: (60, 81), 4: (50, 40), 5: (7, 5), 6: (1000, 1000)}


def file(wide: bool, references: list[tuple[bytes, int, list[int]]]) -> bytes:
    """Pictures of SIZES, of which 1 is the main one; wide: longer numbers and indices."""
    number, index = ("I", "H") if wide else ("H", "B")
    sizes = b"".join(full_box(b"ispe", struct.pack(">II", *size)) for size in SIZES.values())
    of = b"".join(struct.pack(f">{number}B{index}", i, 1, i + 1) for i in SIZES)
    ipma = full_box(b"ipma", struct.pack(">I", len(SIZES)) + of, int(wide), int(wide))
    links = b"".join(
        box(kind, struct.pack(f">{number}H{len(to)}{number}", source, len(to), *to))
        for kind, source, to in references
    )
    meta = full_box(b"pitm", struct.pack(f">{number}", 1), int(wide))
    meta += full_box(b"iref", links, int(wide))
    meta += box(b"iprp", box(b"ipco", box(b"hvcC", b"") + sizes) + ipma)
    return box(b"ftyp", b"heic") + full_box(b"meta", meta) + box(b"mdat", b"")


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("references", "opacity", "decoded"),
    [
        ([], False, [1]),
        ([(b"thmb", 6, [1])], True, [1]),
        ([(b"dimg", 1, [2, 3])], False, [1, 2, 3]),
        ([(b"dimg", 1, [2]), (b"dimg", 2, [6])], False, [1, 2, 6]),
        ([(b"dimg", 6, [1])], False, [1]),  # what is made of the main one beside it
        ([(b"auxl", 6, [1])], False, [1]),  # a map of depth
        ([(b"auxl", 4, [1]), (b"dimg", 4, [5])], True, [1, 4, 5]),
        ([(b"dimg", 1, [2]), (b"auxl", 6, [2])], False, [1, 2, 6]),  # opacity of a tile
        ([(b"dimg", 1, [2]), (b"dimg", 2, [1])], False, [1, 2]),  # each made of the other
    ],
)
def test_the_main_picture_and_what_is_decoded_for_it_are_counted(
    wide, references, opacity, decoded
):
    pixels = sum(SIZES[number][0] * SIZES[number][1] for number in decoded)
    assert pixels_of_parts(file(wide, references), opacity) == pixels


def test_a_grid_counts_with_all_its_tiles():
    assert pixels_of_parts(EIGHT_BITS, False) == 40_000_000
    assert pixels_of_parts(grid(TEN_BITS, 2, 3, 64, 64), False) == 6 * 40_000_000 + 64 * 64


def test_a_picture_without_a_size_is_broken():
    with pytest.raises(BrokenBoxes, match="no size"):
        pixels_of_parts(file(False, [(b"dimg", 1, [7])]), False)


def test_boxes_of_all_kinds_of_length_are_walked():
    large = struct.pack(">I4sQ", 1, b"long", 18) + b"ab"
    to_the_end = struct.pack(">I4s", 0, b"rest") + b"abc"
    walked = list(boxes(box(b"none", b"") + large + to_the_end))
    assert walked == [(b"none", b""), (b"long", b"ab"), (b"rest", b"abc")]


@pytest.mark.parametrize("size", [7, 17, 2**32 - 1])
def test_a_box_that_does_not_fit_is_broken(size):
    with pytest.raises(BrokenBoxes, match="does not fit"):
        list(boxes(struct.pack(">I4s", size, b"free") + bytes(8)))
