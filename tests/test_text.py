"""What others wrote never commands a terminal or a spreadsheet."""

import csv
import io
import json
import sys
import unicodedata

import pytest

from fkd.io.text import csv_table, json_text, printable, shortened

# By Unicode's own tables: controls, surrogates, line and paragraph separators; and what embeds,
# overrides or isolates the direction of writing.
CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"\u061c", "\u200e", "\u200f"}


def commands(character: str) -> bool:
    return (
        unicodedata.category(character) in CATEGORIES
        or unicodedata.bidirectional(character) in DIRECTIONS
        or character in MARKS
    )


def test_what_commands_a_terminal_is_written_out_and_nothing_else_is_touched():
    for character in map(chr, range(sys.maxunicode + 1)):
        shown = printable(character)
        if commands(character):
            assert shown.isascii() and shown.isprintable(), hex(ord(character))
        else:
            assert shown == character, hex(ord(character))


def test_a_name_that_would_clear_the_screen_is_shown_in_one_line():
    assert printable("a\x1b[2J\nb\udcf6.png") == r"a\x1b[2J\nb\udcf6.png"


def test_a_text_is_cut_only_where_it_is_too_long():
    assert shortened("abcdef", 6) == "abcdef" and shortened("abcdefg", 6) == "abc..."


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_no_text_of_a_table_is_a_formula(text):
    ((cell, number),) = csv.reader(io.StringIO(csv_table([[text, -1.5]]).decode()))
    assert cell[0] == "'" or cell.startswith("\\"), cell
    assert float(number) == -1.5


def test_a_table_gives_back_its_plain_texts():
    rows = [["set", "name"], ["mine", 'Jörg, "the" one'], ["ä", "中"]]
    assert list(csv.reader(io.StringIO(csv_table(rows).decode("utf-8")))) == rows


def test_json_is_ascii_and_has_no_number_that_json_lacks():
    assert json.loads(json_text({"ä": "\x9b\udcf6"})) == {"ä": "\x9b\udcf6"}
    assert json_text("ä\x9b\udcf6").isascii()
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError):
            json_text([number])
