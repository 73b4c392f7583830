"""Folders of photos with a `.pts` file of the same name beside each: 300-W's layout, and yours.

A `.pts` file holds one "x y" a line, 1-based, with or without the header `version: 1`,
`n_points: 68` and the braces around the numbers.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.sample import BadSample, Sample, check_points
from fkd.photo import SUFFIXES, PhotoError, read_photo
from fkd.preprocess import Image

TEST_FOLDERS = {"test", "testset"}
PARTS = TEST_FOLDERS | {"train", "trainset", "afw", "helen", "lfpw", "ibug"}
# 300-W's third test part, of hard photos; papers score it apart from the "common" two.
CHALLENGING = "ibug"
# The 300-W part whose files NAME_0, NAME_1, ... are faces of one photo.
SEVERAL_FACES = "afw"


def recognises(folder: Path) -> bool:
    """Whether there is a `.pts` file anywhere under the folder."""
    return next(folder.rglob("*.pts"), None) is not None


def is_one_set(folder: Path) -> bool:
    """Whether the folder is a set itself: `.pts` files, or parts of one as 300-W names them."""
    parts = {path.name for path in folder.iterdir() if path.is_dir()}
    return any(folder.glob("*.pts")) or not PARTS.isdisjoint(parts)


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """Every `.pts` file under the folder, in the order of their names.

    A file under a folder named `test` or `testset` is an official test face. 300-W's `ibug`
    folder is a test subset of its own. In its `afw` folder NAME_0, NAME_1 are faces of one photo
    and so one identity; everywhere else each file is an identity.
    """
    for path in sorted(folder.rglob("*.pts")):
        inside = path.relative_to(folder)
        hard = CHALLENGING in inside.parts[:-1]
        yield Sample(
            name=str(inside.with_suffix("")),
            subset=f"{subset}/{CHALLENGING}" if hard else subset,
            identity=str(inside.with_name(_photo_name(inside))),
            official_test=hard or not TEST_FOLDERS.isdisjoint(inside.parts[:-1]),
            read=partial(_read, path),
        )


def _photo_name(inside: Path) -> str:
    return re.sub(r"(_\d+)+$", "", inside.stem) if SEVERAL_FACES in inside.parts else inside.stem


def read_pts(path: Path) -> NDArray[np.float32]:
    """Points of a `.pts` file, float32 (68, 2), 0-based. Raises BadSample."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise BadSample((error.strerror or str(error)).lower()) from None
    rows = [line.split() for line in lines if line.strip() and line.strip() not in "{}"]
    rows = [row for row in rows if row[0] not in ("version:", "n_points:")]
    try:
        numbers = [(float(x), float(y)) for x, y in rows]
    except ValueError:
        raise BadSample(f"{path.name} has a line that is not two numbers") from None
    return check_points(np.array(numbers).reshape(-1, 2) - 1.0)


def write_pts(points: NDArray[np.float32]) -> str:
    """The text of a `.pts` file, 1-based, for points (68, 2) in photo pixels."""
    numbers = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in points)
    return f"version: 1\nn_points: {len(points)}\n{{\n{numbers}\n}}\n"


def _read(path: Path) -> tuple[Image, NDArray[np.float32]]:
    points = read_pts(path)
    for suffix in SUFFIXES:
        for photo in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
            if photo.is_file():
                return read_photo(photo), points
    raise PhotoError(f"{path.with_suffix('.jpg')}: no photo beside {path.name}")
