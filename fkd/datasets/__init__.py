"""Readers of labelled faces, one module per layout on disk, and the split by person."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from fkd.datasets import drawn, pts, youtube_faces
from fkd.datasets.sample import BadDataset, BadSample, Sample

__all__ = ["BadDataset", "BadSample", "Sample", "read_root", "split"]

# In this order, so that a recipe or a table wins over stray `.pts` files.
LAYOUTS = {"drawn": drawn, "youtube-faces": youtube_faces, "pts": pts}


def read_root(root: Path) -> list[Sample]:
    """All samples under a root: one data set, or a folder of data sets named by their folders.

    Raises BadDataset when the root is missing or nothing in it has a known layout.
    """
    if not root.is_dir():
        raise BadDataset(f"{root}: data.root must be a folder that exists")
    layout = _layout_of_set(root)
    if layout:
        return list(LAYOUTS[layout].samples(root, root.resolve().name))
    found: list[Sample] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for module in LAYOUTS.values():
            if module.recognises(folder):
                found += module.samples(folder, folder.name)
                break
    if not found:
        raise BadDataset(
            f"{root}: no data set found; expected {drawn.RECIPE}, "
            f"{youtube_faces.TABLES['training']}, or photos with .pts files beside them"
        )
    return found


def _layout_of_set(root: Path) -> str | None:
    """The layout when the root itself is a data set; only its own files count for `.pts`."""
    for name in ("drawn", "youtube-faces"):
        if LAYOUTS[name].recognises(root):
            return name
    return "pts" if any(root.glob("*.pts")) else None


def split(samples: Iterable[Sample], val: float, test: float, seed: int) -> dict[str, list[Sample]]:
    """Samples by part: train, val, test (new people), official (tested, but known people).

    val, test: shares of people. Nobody stands both in train and in val or test. Where the
    official test faces of a subset are of people that its training never shows they are `test`;
    where they are the same people, or there are none, people are held out by a hash of their name
    and the seed, and official test faces of the rest become `official`.
    """
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": [], "official": []}
    samples = list(samples)
    shown = {(s.subset, s.identity) for s in samples if not s.official_test}
    tested = {(s.subset, s.identity) for s in samples if s.official_test}
    apart = {subset for subset, _ in tested} - {subset for subset, _ in tested & shown}
    for sample in samples:
        place = _place(f"{seed}/{sample.subset}/{sample.identity}")
        held_out = 0.0 if sample.subset in apart else test
        if sample.subset in apart and sample.official_test or place < held_out:
            part = "test"
        elif sample.official_test:
            part = "official"
        else:
            part = "val" if place < held_out + val else "train"
        parts[part].append(sample)
    return parts


def _place(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
