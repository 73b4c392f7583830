"""YouTube Faces with points, as udacity/P1_Facial_Keypoints lays it out.

Two folders of pictures and two CSV files with a header row, then a file name and x0, y0 ... x67,
y67 in pixels, 0-based. A person is the file name up to its last underscore; the two digits behind
it are video and frame. Each line is one row, so that a stray quotation mark spoils one face only.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from fkd.datasets.named_photo import named_photo
from fkd.datasets.sample import BadDataset, BadSample, LabelledPhoto, Sample
from fkd.io.files import reason
from fkd.io.images import read_image
from fkd.landmarks import COUNT, check_points

TABLES = {"training": "training_frames_keypoints.csv", "test": "test_frames_keypoints.csv"}
MAX_LINE = 10_000  # characters; a name and 136 numbers take a tenth of it


def recognises(folder: Path) -> bool:
    """Whether the folder holds one of the two tables."""
    return any((folder / table).is_file() for table in TABLES.values())


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """The rows of both tables. Raises BadDataset when a table or its columns are missing."""
    for part, table in TABLES.items():
        for number, line in _lines(folder / table):
            name = _fields(line)[0]
            yield Sample(
                name=f"{part}/{name}",
                subset=subset,
                identity=Path(name).stem.rpartition("_")[0] or Path(name).stem,
                official_test=part == "test",
                read=partial(_read, folder / part, line, number),
            )


def _lines(table: Path) -> Iterator[tuple[int, str]]:
    """The lines below the header that are not empty, by their number in the file."""
    try:
        # Bytes that are no UTF-8 come through, and their row is refused for its name or numbers.
        with table.open(encoding="utf-8", errors="surrogateescape") as file:
            columns = len(_fields(file.readline()))
            if columns != 1 + 2 * COUNT:
                raise BadDataset(
                    f"{table}: {columns} columns; expected a file name and {2 * COUNT} numbers"
                )
            yield from ((number, line) for number, line in enumerate(file, start=2) if line.strip())
    except OSError as error:
        raise BadDataset(f"{table}: {reason(error)}") from None


def _fields(line: str) -> list[str]:
    # Cut, as the csv module refuses a field that is longer than its own limit.
    return next(csv.reader([line[:MAX_LINE]]), [])


def _read(folder: Path, line: str, number: int) -> LabelledPhoto:
    if len(line) > MAX_LINE:
        raise BadSample(f"line {number} of the table has {len(line)} characters")
    name, *values = _fields(line)
    try:
        numbers = np.array([float(value or "nan") for value in values])
    except ValueError as error:
        raise BadSample(f"line {number} of the table: {error}") from None
    if numbers.size % 2:
        raise BadSample(f"line {number} of the table has {numbers.size} numbers")
    points = check_points(numbers.reshape(-1, 2))
    return LabelledPhoto(read_image(named_photo(folder, name)), points)
