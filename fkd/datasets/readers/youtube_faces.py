"""YouTube Faces with points, as udacity/P1_Facial_Keypoints lays it out.

Two folders of pictures and two CSV files with a header row, then a file name and x0, y0 ... x67,
y67 in pixels, 0-based. A person is the file name up to its last underscore; the two digits behind
it are video and frame.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from fkd.datasets.sample import BadDataset, BadSample, Sample
from fkd.geometry import Image, Points
from fkd.io.files import reason
from fkd.io.images import read_image
from fkd.landmarks import COUNT, check_points

TABLES = {"training": "training_frames_keypoints.csv", "test": "test_frames_keypoints.csv"}


def recognises(folder: Path) -> bool:
    """Whether the folder holds one of the two tables."""
    return any((folder / table).is_file() for table in TABLES.values())


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """The rows of both tables. Raises BadDataset when a table or its columns are missing."""
    for part, table in TABLES.items():
        for number, row in _rows(folder / table):
            yield Sample(
                name=f"{part}/{row[0]}",
                subset=subset,
                identity=Path(row[0]).stem.rpartition("_")[0] or Path(row[0]).stem,
                official_test=part == "test",
                read=partial(_read, folder / part / row[0], row[1:], number),
            )


def _rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with table.open(newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if len(header) != 1 + 2 * COUNT:
                raise BadDataset(
                    f"{table}: {len(header)} columns; expected a file name and {2 * COUNT} numbers"
                )
            yield from ((number, row) for number, row in enumerate(rows, start=2) if row)
    except OSError as error:
        raise BadDataset(f"{table}: {reason(error)}") from None


def _read(path: Path, values: list[str], line: int) -> tuple[Image, Points]:
    try:
        numbers = np.array([float(value or "nan") for value in values])
    except ValueError as error:
        raise BadSample(f"line {line} of the table: {error}") from None
    if numbers.size % 2:
        raise BadSample(f"line {line} of the table has {numbers.size} numbers")
    return read_image(path), check_points(numbers.reshape(-1, 2))
