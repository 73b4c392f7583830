"""The pictures that are taken, and whom to credit for them."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("pictures.csv")
# A picture under any other licence may not be taken.
LICENCES = {
    "public domain": "https://creativecommons.org/publicdomain/mark/1.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
}
HELD_OUT = 10  # one picture of so many trains nothing


@dataclass(frozen=True)
class Credit:
    """A row of the table: a picture's name here, the file of a package that it is, its credit."""

    name: str
    package: str
    path: str
    title: str
    author: str
    licence: str
    source: str

    @property
    def held_out(self) -> bool:
        """Whether the picture only tests: its name decides, so another picture changes nothing."""
        return int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % HELD_OUT == 0


def read_table(file: Path = TABLE) -> list[Credit]:
    """The rows of the table."""
    with file.open(newline="", encoding="utf-8") as lines:
        return [Credit(**row) for row in csv.DictReader(lines)]


def credits_page(rows: Sequence[Credit]) -> str:
    """The credits in Markdown, one line for each picture."""
    lines = [
        "# Credits of the backgrounds",
        "",
        "Each picture was made grey and, where it was larger, smaller; of a panorama there are "
        "views. Nobody named here endorses this.",
        "",
    ]
    for row in sorted(rows, key=lambda row: row.name):
        lines.append(
            f"- `{row.name}`: [{row.title}](<{row.source}>), {row.author}, "
            f"[{row.licence}]({LICENCES[row.licence]})"
        )
    return "\n".join(lines) + "\n"
