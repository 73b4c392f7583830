"""Finding the data sets under a root: one reader for each layout on disk."""

import os
from pathlib import Path

from fkd.datasets.readers import pts, synthetic, youtube_faces
from fkd.datasets.sample import BadDataset, Sample

# In this order, so that a recipe or a table wins over stray `.pts` files.
READERS = {"synthetic": synthetic, "youtube-faces": youtube_faces, "pts": pts}
VALIDATION = "val"


def read_root(root: Path) -> list[Sample]:
    """All samples under a root: one data set, or a folder of data sets named by their folders.

    Raises BadDataset when the root is missing or nothing in it has a known layout.
    """
    if not root.is_dir():
        raise BadDataset(f"{root}: not a folder; data sets are read from a folder that exists")
    layout = _layout_of_set(root)
    found: list[Sample] = []
    if layout:
        found += READERS[layout].samples(root, Path(os.path.abspath(root)).name)
    else:
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            for reader in READERS.values():
                if reader.recognises(folder):
                    found += reader.samples(folder, folder.name)
                    break
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


def _layout_of_set(root: Path) -> str | None:
    """The layout when the root itself is a data set and not a folder of them."""
    for name, reader in READERS.items():
        if reader is not pts and reader.recognises(root):
            return name
    return "pts" if pts.is_one_set(root) else None
