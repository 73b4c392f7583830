"""Text that others wrote, made safe for terminals and spreadsheets, and JSON that all can read."""

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import Any

# What a terminal obeys instead of showing it: control characters, line separators, marks that turn
# the direction of writing; and the lone surrogates that stand for bytes that are no UTF-8.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# What a spreadsheet takes for the start of a formula.
FORMULA_STARTS = ("=", "+", "-", "@")


def printable(text: str) -> str:
    r"""The text in one line, with what a terminal would obey written out: "\x1b[2J", "\n"."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def shortened(text: str, length: int) -> str:
    """The text, cut to some characters with an ellipsis where it is longer."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def csv_table(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows as a CSV file in UTF-8. Texts are `printable`, with an apostrophe before those that a
    spreadsheet would take for a formula; numbers are written as they are."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue().encode()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) else text


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON in ASCII, in one line unless indented. Raises ValueError for a number that
    JSON has not: NaN and infinity."""
    return json.dumps(value, indent=indent, allow_nan=False)
