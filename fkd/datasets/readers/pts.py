"""Folders of photos with a `.pts` file of the same name beside each: 300-W's layout, and yours.

What is in a `.pts` file: `fkd.io.pts`.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fkd.datasets.labels import photo_name, photo_of, pts_below
from fkd.datasets.sample import LabelledPhoto, Sample
from fkd.io.images import ImageError, read_image
from fkd.io.pts import read_pts

TEST_FOLDERS = {"test", "testset"}
PARTS = TEST_FOLDERS | {"train", "trainset", "afw", "helen", "lfpw", "ibug"}
# 300-W's third test part, of hard photos; papers score it apart from the "common" two.
CHALLENGING = "ibug"
# The 300-W part whose files NAME_0, NAME_1, ... are faces of one photo.
SEVERAL_FACES = "afw"


def recognises(folder: Path) -> bool:
    """Whether there is a `.pts` file anywhere under the folder."""
    return next(pts_below(folder), None) is not None


def is_one_set(folder: Path) -> bool:
    """Whether the folder is a set itself: `.pts` files, or parts of one as 300-W names them."""
    parts = {path.name for path in folder.iterdir() if path.is_dir()}
    return any(folder.glob("*.pts")) or not PARTS.isdisjoint(parts)


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """Every `.pts` file under the folder, in the order of their names.

    A file under a folder named `test` or `testset` is an official test face. 300-W's `ibug`
    folder is a test subset of its own. The faces of one photo, NAME.pts and NAME.face2.pts, and in
    its `afw` folder NAME_0 and NAME_1, are one identity; everywhere else each file is one.
    """
    for path in sorted(pts_below(folder)):
        inside = path.relative_to(folder)
        hard = CHALLENGING in inside.parts[:-1]
        yield Sample(
            name=str(inside.with_suffix("")),
            subset=f"{subset}/{CHALLENGING}" if hard else subset,
            identity=str(inside.with_name(_identity(inside))),
            official_test=hard or not TEST_FOLDERS.isdisjoint(inside.parts[:-1]),
            read=partial(_read, path),
        )


def _identity(inside: Path) -> str:
    name = photo_name(inside)
    return re.sub(r"(_\d+)+$", "", name) if SEVERAL_FACES in inside.parts else name


def _read(path: Path) -> LabelledPhoto:
    points = read_pts(path)
    photo = photo_of(path)
    if photo is None:
        raise ImageError(f"{path.with_suffix('.jpg')}: no photo beside {path.name}")
    return LabelledPhoto(read_image(photo), points)
