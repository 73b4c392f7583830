"""The pictures of a folder: those that are read, and those that are not."""

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from fkd.io.heif import can_read_heic
from fkd.io.images import HEIC_SUFFIXES, SUFFIXES
from fkd.io.unread_formats import SUFFIXES as UNREAD_SUFFIXES


def photos_below(folder: Path) -> tuple[list[Path], list[str]]:
    """The photos anywhere under a folder, in the order of their paths; and a sentence for each
    reason why pictures are not among them, which says how many."""
    below = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    # No pipes, which would be waited for; links that lead nowhere are said to when they are read.
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


def _count(files: list[Path], suffixes: Collection[str]) -> str:
    """How many files have each suffix: "3 .jp2, 1 .svg"; nothing for none."""
    found = Counter(path.suffix.lower() for path in files)
    return ", ".join(f"{found[suffix]} {suffix}" for suffix in suffixes if found[suffix])
