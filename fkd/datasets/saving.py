"""Writing a store of prepared faces: shards one by one, then the table that names them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fkd.datasets import shards
from fkd.datasets.store import TABLE, LabelledFace, listed_shards
from fkd.geometry import Box
from fkd.geometry.pose import Pose
from fkd.ground_truth import GroundTruth
from fkd.io.files import whole_file
from fkd.landmarks import COUNT

UNNAMED = "unnamed.shard"  # while it is written
FACES_PER_SHARD = 1000
MISSED = (0, 0, 0, 0)  # stands for the box of a face that the detector missed
NO_PIXELS = np.zeros((0, 0), np.uint8)
# Stands for the truth of a photo, of which nothing is known.
UNKNOWN = GroundTruth(
    np.zeros(COUNT, np.bool_), np.full(COUNT, np.nan), Pose(np.nan, np.nan, np.nan), {}
)


class SavedShard(NamedTuple):
    """A shard that was written, and what the table says of its faces."""

    name: str
    pixels: int
    size: int
    columns: dict[str, NDArray[Any]]


def save_faces(
    faces: Iterable[LabelledFace], folder: Path, faces_per_shard: int = FACES_PER_SHARD
) -> int:
    """Write faces one by one as they come; returns how many. The same faces give the same bytes.

    The shards are written whole or not at all, and the faces that the folder held before are there
    until all of the new ones are. Raises OSError that names the file at fault.
    """
    waiting = iter(faces)
    pieces = (
        save_shard(chain([face], islice(waiting, faces_per_shard - 1)), folder) for face in waiting
    )
    return save_table(pieces, folder)


def save_shard(faces: Iterable[LabelledFace], folder: Path, uri: str = "") -> SavedShard:
    """Write one shard, which is part of the store when `save_table` names it.

    uri: where it goes instead of the folder, if anywhere. Raises OSError, BadDataset.
    """
    kept: list[LabelledFace] = []
    places: list[tuple[int, int, int]] = []  # where its pixels start, height, width
    unnamed = folder / UNNAMED
    with whole_file(unnamed) as path, path.open("wb") as file:
        for face in faces:
            places.append((file.tell(), *face.grey.shape))
            file.write(np.ascontiguousarray(face.grey).tobytes())
            kept.append(replace(face, grey=NO_PIXELS))
        pixels = file.tell()
        np.lib.format.write_array(file, _rows(kept, places), (1, 0))
        size = file.tell()
    name = shards.hashed_name(unnamed)
    unnamed.replace(folder / name)
    if uri:
        shards.put(folder / name, uri)
        (folder / name).unlink()
    return SavedShard(name, pixels, size, _columns(kept))


def save_table(saved: Iterable[SavedShard], folder: Path, uri: str = "") -> int:
    """Write the table of all shards when they are there, remove those of before, and return the
    number of faces.

    uri: where the shards are, if not in the folder; the table is copied there. Raises OSError,
    BadDataset.
    """
    try:
        pieces = list(saved)
        with whole_file(folder / TABLE) as path:
            columns: dict[str, Any] = _table(pieces, uri)
            np.savez(path, **columns)
    finally:
        _remove_unlisted(folder)
    if uri:
        shards.put(folder / TABLE, uri)
    return sum(len(piece.columns["names"]) for piece in pieces)


def _remove_unlisted(folder: Path) -> None:
    """Remove the shards that the table of a folder does not name, or all where there is none."""
    listed: set[str] = set()
    if (folder / TABLE).is_file():
        try:
            with np.load(folder / TABLE) as table:
                listed = {shard.name for shard in listed_shards(table, "")}
        except (ValueError, KeyError, EOFError, BadZipFile):
            pass  # damaged: its shards are of no use
    for file in folder.glob(f"*{shards.SUFFIX}"):
        if file.name not in listed:
            file.unlink()


def _table(pieces: Sequence[SavedShard], uri: str) -> dict[str, NDArray[Any]]:
    columns = [_columns([]), *(piece.columns for piece in pieces)]
    return {
        **{key: np.concatenate([of[key] for of in columns]) for key in columns[0]},
        "folder": np.array(uri),
        "shard_names": np.array([piece.name for piece in pieces], np.str_),
        "shard_faces": np.array([len(piece.columns["names"]) for piece in pieces], np.int64),
        "shard_pixels": np.array([piece.pixels for piece in pieces], np.int64),
        "shard_sizes": np.array([piece.size for piece in pieces], np.int64),
    }


def _columns(faces: Sequence[LabelledFace]) -> dict[str, NDArray[Any]]:
    """What the table says of some faces."""
    return {
        "names": np.array([face.name for face in faces], np.str_),
        "subsets": np.array([face.subset for face in faces], np.str_),
        "identities": np.array([face.identity for face in faces], np.str_),
        "synthetic": np.array([face.synthetic for face in faces], np.bool_),
        "reference_boxes": _boxes([face.reference_box for face in faces]),
        "detector_boxes": _boxes([face.detector_box or MISSED for face in faces]),
    }


def _rows(faces: Sequence[LabelledFace], places: Sequence[tuple[int, int, int]]) -> NDArray[Any]:
    """What a shard says of its faces besides their pixels; NaN where nothing is known."""
    told = [face.truth or UNKNOWN for face in faces]
    names = sorted({name for truth in told for name in truth.attributes})
    rows = np.zeros(len(faces), _row_type(names))
    for row, face, place, truth in zip(rows, faces, places, told, strict=True):
        row["start"], row["height"], row["width"] = place
        row["points"], row["visible"] = face.points, truth.visible
        row["depth"], row["pose"] = truth.depth, truth.pose
        for name in names:
            row["attributes"][name] = truth.attributes.get(name, np.nan)
    return rows


def _row_type(attributes: Sequence[str]) -> np.dtype[Any]:
    fields: list[Any] = [
        *(("start", "<i8"), ("height", "<i4"), ("width", "<i4")),
        *(("points", "<f4", (COUNT, 2)), ("visible", "?", (COUNT,)), ("depth", "<f4", (COUNT,))),
        ("pose", "<f4", (3,)),
    ]
    told = [("attributes", [(name, "<f4") for name in attributes])] if attributes else []
    return np.dtype(fields + told)


def _boxes(boxes: Sequence[Box]) -> NDArray[np.int32]:
    return np.array(boxes, np.int32).reshape(-1, 4)
