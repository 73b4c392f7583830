"""Pictures with all their faces labelled, for scoring a detector."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.labels import labels_by_photo
from fkd.datasets.sample import BadDataset
from fkd.geometry import Image, Points
from fkd.geometry.boxes import CENTRE_BELOW, CENTRE_RIGHT
from fkd.geometry.crop import to_grey
from fkd.geometry.roll import five_points, roll_of, upright_square
from fkd.io.images import read_image
from fkd.io.pts import read_pts

TABLE = "boxes.csv"
COLUMNS = ["file", "x", "y", "width", "height"]


@dataclass(frozen=True)
class LabelledPicture:
    """grey: uint8 (H, W). faces: float (F, 3), for each face the centre x, y of the square around
    its upright points and the side of its box, pixels."""

    name: str
    grey: Image
    faces: NDArray[np.float64]


def read_pictures(folder: Path) -> Iterator[LabelledPicture]:
    """The pictures of a folder, by name, read one by one: those of its table `boxes.csv` with the
    columns file, x, y, width, height, a line for each face; or every photo under it that has `.pts`
    files. Raises BadDataset, ImageError, PointsError, OSError."""
    table = folder / TABLE
    faces = _faces_of_table(table) if table.is_file() else _faces_of_points(folder)
    if not faces:
        raise BadDataset(f"{folder}: expected {TABLE}, or photos with .pts files beside them")
    for photo, squares in sorted(faces.items()):
        grey = to_grey(read_image(photo))
        yield LabelledPicture(str(photo.relative_to(folder)), grey, np.array(squares))


Faces = dict[Path, list[tuple[float, float, float]]]


def _faces_of_table(table: Path) -> Faces:
    """The faces of a table by photo."""
    faces: Faces = {}
    with table.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        if next(lines, None) != COLUMNS:
            raise BadDataset(f"{table}: its first line is not {','.join(COLUMNS)}")
        for number, line in enumerate(lines, start=2):
            try:
                name, *numbers = line
                x, y, width, height = map(float, numbers)
            except ValueError:
                raise BadDataset(f"{table}: line {number} is not {','.join(COLUMNS)}") from None
            faces.setdefault(table.parent / name, []).append(square_of_box(x, y, width, height))
    return faces


def square_of_box(x: float, y: float, width: float, height: float) -> tuple[float, float, float]:
    """The square of an upright face in a box of the convention; a box that is not square is taken
    for the square of its area."""
    side = float(np.sqrt(width * height))
    right = x + (width - 1) / 2 + CENTRE_RIGHT * side
    return right, y + (height - 1) / 2 + CENTRE_BELOW * side, side


def _faces_of_points(folder: Path) -> Faces:
    """The faces of the photos under a folder that have `.pts` files."""
    return {
        photo: [_square_of_points(read_pts(path)) for path in labels]
        for photo, labels in labels_by_photo(folder).items()
    }


def _square_of_points(points: Points) -> tuple[float, float, float]:
    return upright_square(points, roll_of(five_points(points)))
