"""Pictures with all their faces labelled, for scoring a detector."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.labels import labels_by_photo
from fkd.datasets.sample import BadDataset
from fkd.geometry import Image
from fkd.geometry.boxes import CENTRE_BELOW, CENTRE_RIGHT
from fkd.geometry.crop import to_grey
from fkd.geometry.roll import five_points, roll_of, upright_square
from fkd.io.images import read_image
from fkd.io.pts import read_pts
from fkd.landmarks import PointsError

TABLE = "boxes.csv"
COLUMNS = ["file", "x", "y", "width", "height"]


@dataclass(frozen=True)
class LabelledPicture:
    """name: the picture's path from the folder. grey: uint8 (H, W). faces: float (F, 3), for each
    face the centre x, y of the square around its upright points and the side of its box, pixels."""

    name: str
    grey: Image
    faces: NDArray[np.float64]


def read_pictures(folder: Path) -> Iterator[LabelledPicture]:
    """The pictures of a folder, by name, read one by one: those of its table `boxes.csv` with the
    columns file, x, y, width, height, a line for each face; or every photo under it that has `.pts`
    files. Raises BadDataset, ImageError, OSError."""
    table = folder / TABLE
    faces = _faces_of_table(table) if table.is_file() else _faces_of_points(folder)
    if not faces:
        raise BadDataset(f"{folder}: expected {TABLE}, or photos with .pts files beside them")
    for photo, squares in sorted(faces.items()):
        grey = to_grey(read_image(photo))
        yield LabelledPicture(os.path.relpath(photo, folder), grey, np.array(squares))


def picture_sets(root: Path) -> dict[str, Path]:
    """The folders in a folder, each of which `read_pictures` reads as a set, by name. Raises
    OSError."""
    return {path.name: path for path in sorted(root.iterdir()) if path.is_dir()}


Faces = dict[Path, list[tuple[float, float, float]]]


def _faces_of_table(table: Path) -> Faces:
    """The faces of a table by photo."""
    faces: Faces = {}
    for number, line in enumerate(_lines(table), start=2):
        try:
            name, *numbers = line
            square = square_of_box(*_box(numbers))
        except ValueError:
            raise BadDataset(f"{table}: line {number} is not {','.join(COLUMNS)}") from None
        faces.setdefault(table.parent / name, []).append(square)
    return faces


def _lines(table: Path) -> Iterator[list[str]]:
    """The lines of a table below its first."""
    with table.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        try:
            if next(lines, None) != COLUMNS:
                raise BadDataset(f"{table}: its first line is not {','.join(COLUMNS)}")
            yield from lines
        except (UnicodeDecodeError, csv.Error):
            raise BadDataset(f"{table}: is not a table in UTF-8") from None


def _box(numbers: list[str]) -> tuple[float, float, float, float]:
    """Raises ValueError for what is no box."""
    x, y, width, height = map(float, numbers)
    if not np.isfinite([x, y, width, height]).all() or min(width, height) <= 0:
        raise ValueError("a box has a place and a size")
    return x, y, width, height


def square_of_box(x: float, y: float, width: float, height: float) -> tuple[float, float, float]:
    """The square of an upright face in a box of the convention; a box that is not square is taken
    for the square of its area."""
    side = float(np.sqrt(width * height))
    right = x + (width - 1) / 2 + CENTRE_RIGHT * side
    return right, y + (height - 1) / 2 + CENTRE_BELOW * side, side


def _faces_of_points(folder: Path) -> Faces:
    """The faces of the photos under a folder that have `.pts` files."""
    return {
        photo: [_square_of_points(path) for path in labels]
        for photo, labels in labels_by_photo(folder).items()
    }


def _square_of_points(labels: Path) -> tuple[float, float, float]:
    try:
        points = read_pts(labels)
    except PointsError as error:
        raise BadDataset(f"{labels}: {error}") from None
    return upright_square(points, roll_of(five_points(points)))
