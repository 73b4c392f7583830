"""Finding the data sets under a root: one reader for each layout on disk."""

import os
from collections.abc import Iterator
from pathlib import Path

from fkd.datasets.readers import pts, synthetic, youtube_faces
from fkd.datasets.sample import BadDataset, BadSample, Sample, check_name
from fkd.io.files import reason

# In this order, so that a recipe or a table wins over stray `.pts` files.
READERS = {"synthetic": synthetic, "youtube-faces": youtube_faces, "pts": pts}
VALIDATION = "val"


def read_root(root: Path) -> list[Sample]:
    """All samples under a root: one data set, or a folder of data sets named by their folders.

    Raises BadDataset when the root is missing or nothing in it has a known layout.
    """
    if not os.path.isdir(root):
        raise BadDataset(f"{root}: not a folder; data sets are read from a folder that exists")
    try:
        found = list(_samples(root))
    except OSError as error:
        raise BadDataset(f"{error.filename or root}: {reason(error)}") from None
    if any(sample.subset == VALIDATION for sample in found):
        raise BadDataset(
            f"{root}: a set is called {VALIDATION}; this name is the validation score's"
        )
    if not found:
        raise BadDataset(
            f"{root}: no data set found; expected {synthetic.RECIPE}, "
            f"{youtube_faces.TABLES['training']}, or photos with .pts files beside them"
        )
    return found


def _samples(root: Path) -> Iterator[Sample]:
    if layout := _layout_of_set(root):
        yield from READERS[layout].samples(root, _set_name(Path(os.path.abspath(root))))
        return
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for reader in READERS.values():
            if reader.recognises(folder):
                yield from reader.samples(folder, _set_name(folder))
                break


def _set_name(folder: Path) -> str:
    try:
        check_name(folder.name)
    except BadSample as error:
        raise BadDataset(f"{folder}: as the folder of a data set, {error}") from None
    return folder.name


def _layout_of_set(root: Path) -> str | None:
    """The layout when the root itself is a data set and not a folder of them."""
    for name, reader in READERS.items():
        if reader is not pts and reader.recognises(root):
            return name
    return "pts" if pts.is_one_set(root) else None
