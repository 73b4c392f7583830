"""The pictures of a folder: those that are read, and those that are not."""

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from fkd.io.heif import can_read_heic
from fkd.io.images import HEIC_SUFFIXES, SUFFIXES
from fkd.io.unread_formats import SUFFIXES as UNREAD_SUFFIXES

HIDDEN = "."  # how such a name starts


def photos_below(folder: Path) -> tuple[list[Path], list[str]]:
    """The photos anywhere under a folder, in the order of their paths; and a sentence for each
    reason why pictures are not among them, which says how many. Nothing is said of hidden files,
    such as the `._a.jpg` that macOS writes beside a.jpg, and of what is in hidden folders."""
    # No pipes, which would be waited for; links that lead nowhere are said to when they are read.
    below = visible_below(folder)
    files = sorted(path for path in below if os.path.isfile(path) or not os.path.exists(path))
    lacking = () if can_read_heic() else HEIC_SUFFIXES
    photos = [path for path in files if path.suffix.lower() in {*SUFFIXES} - {*lacking}]
    said = []
    if count := _count(files, lacking):
        from fkd.io.extras import install_hint  # takes 40 ms

        said.append(f"{folder}: skipped {count}, which are read after {install_hint('formats')}")
    if count := _count(files, UNREAD_SUFFIXES):
        said.append(f"{folder}: skipped {count}, which are not read")
    return photos, said


def visible_below(folder: Path) -> Iterator[Path]:
    """What is anywhere under a folder and neither a folder nor hidden nor in a hidden folder."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        yield from (Path(at) / name for name in names if not name.startswith(HIDDEN))


def _count(files: list[Path], suffixes: Collection[str]) -> str:
    """How many files have each suffix: "3 .jp2, 1 .svg"; nothing for none."""
    found = Counter(path.suffix.lower() for path in files)
    return ", ".join(f"{found[suffix]} {suffix}" for suffix in suffixes if found[suffix])
