"""Prepared faces on disk: a table of who they are, and shards with their pictures and points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, overload
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fkd.datasets import shards
from fkd.datasets.sample import BadDataset
from fkd.datasets.shards import Shard, damaged, is_uri, open_shard
from fkd.geometry import Box, Image
from fkd.geometry.pose import Pose
from fkd.ground_truth import GroundTruth
from fkd.landmarks import COUNT

TABLE = "faces.npz"
# What the table says of each face.
COLUMNS = ("names", "subsets", "identities", "synthetic", "reference_boxes", "detector_boxes")


@dataclass(frozen=True)
class LabelledFace:
    """One labelled face in its face chip, or a test face in its whole photo.

    grey: uint8 (H, W). points: float32 (68, 2), pixels of it. reference_box: of the points.
    detector_box: the detector's own, None where it missed the face. synthetic: not of a real
    person. truth: what is known of a synthetic face besides.
    """

    name: str
    subset: str
    identity: str
    grey: Image
    points: NDArray[np.float32]
    reference_box: Box
    detector_box: Box | None
    synthetic: bool = False
    truth: GroundTruth | None = None

    @property
    def box(self) -> Box:
        """The detector's box where it found the face, else the reference box."""
        return self.detector_box or self.reference_box


@dataclass(frozen=True, eq=False)
class Faces(Sequence[LabelledFace]):
    """Prepared faces in their order, each made when it is asked for.

    columns: what the table says of all of them: `names`, `subsets`, `identities` (str),
    `synthetic` (bool), `reference_boxes`, `detector_boxes` (int32 (N, 4), zeros for a face that was
    missed), `shards` and `rows` (int32), where each face is; and where a teacher changed their
    points `points` (float32 (N, 68, 2)), NaN for a face that keeps those of its shard.
    """

    columns: Mapping[str, NDArray[Any]]
    shards: tuple[Shard, ...]

    def __len__(self) -> int:
        return len(self.columns["names"])

    @overload
    def __getitem__(self, place: int) -> LabelledFace: ...
    @overload
    def __getitem__(self, place: slice) -> "Faces": ...
    def __getitem__(self, place: int | slice) -> "LabelledFace | Faces":
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        of = {key: column[place] for key, column in self.columns.items()}
        shard = open_shard(self.shards[of["shards"]])
        row = shard.rows[of["rows"]]
        size = int(row["height"]), int(row["width"])
        grey = shard.pixels[row["start"] : row["start"] + size[0] * size[1]].reshape(size)
        taught = "points" in of and not np.isnan(of["points"][0, 0])
        return LabelledFace(
            name=str(of["names"]),
            subset=str(of["subsets"]),
            identity=str(of["identities"]),
            grey=grey,
            points=np.array(of["points"] if taught else row["points"]),
            reference_box=_box(of["reference_boxes"]),
            detector_box=_box(of["detector_boxes"]) if of["detector_boxes"].any() else None,
            synthetic=bool(of["synthetic"]),
            truth=_truth(row),
        )

    def take(self, places: NDArray[Any]) -> "Faces":
        """The faces at some places, in that order."""
        return Faces({key: column[places] for key, column in self.columns.items()}, self.shards)

    def with_points(self, points: NDArray[np.float32]) -> "Faces":
        """The faces with other points, (N, 68, 2)."""
        return Faces({**self.columns, "points": points}, self.shards)


def joined(first: Faces, second: Faces) -> Faces:
    """The faces of two stores, one after the other."""
    both = (first, second)
    given = first.columns.keys() | second.columns.keys()
    columns = {key: np.concatenate([_column(faces, key) for faces in both]) for key in given}
    columns["shards"][len(first) :] += len(first.shards)
    return Faces(columns, first.shards + second.shards)


def _column(faces: Faces, key: str) -> NDArray[Any]:
    if key in faces.columns:
        return faces.columns[key]
    return np.full((len(faces), COUNT, 2), np.nan, np.float32)  # `points`


def subsets_of(faces: Sequence[LabelledFace]) -> list[str]:
    """The subset of each face; of `Faces` without a look at a shard."""
    if isinstance(faces, Faces):
        return list(faces.columns["subsets"].tolist())
    return [face.subset for face in faces]


def load_faces(folder: Path | str) -> Faces:
    """The faces of a folder, or of an fsspec URI, that `save_table` completed.

    The table is read; shards are mapped when a face is asked for, and fetched before where they
    are on a URI. Raises OSError when files cannot be read, BadDataset when they are damaged.
    """
    where = str(folder) if is_uri(str(folder)) else str(Path(folder).resolve())
    try:
        file = BytesIO(shards.get(where, TABLE)) if is_uri(where) else Path(folder) / TABLE
        with np.load(file) as table:
            stored = {key: table[key] for key in table.files}
        files = tuple(listed_shards(stored, where))
        counts = stored["shard_faces"]
        columns = {key: stored[key] for key in COLUMNS}
    except (ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise error if isinstance(error, BadDataset) else damaged(folder) from None
    for shard in files:
        if not is_uri(shard.folder) and (Path(where) / shard.name).stat().st_size != shard.size:
            raise damaged(folder)
    first = np.cumsum(counts) - counts
    columns["shards"] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    columns["rows"] = np.arange(counts.sum(), dtype=np.int32) - np.repeat(first, counts)
    return Faces(columns, files)


def listed_shards(table: Mapping[str, NDArray[Any]], folder: str) -> Iterator[Shard]:
    """The shards that a table names, which is in a folder or on a URI."""
    where = str(table["folder"]) or folder
    for name, pixels, size in zip(
        table["shard_names"], table["shard_pixels"], table["shard_sizes"], strict=True
    ):
        yield Shard(where, str(name), int(pixels), int(size))


def _truth(row: Any) -> GroundTruth | None:
    """Of one row of a shard, None where nothing is known."""
    if np.isnan(row["pose"]).any():
        return None
    attributes: dict[str, float] = {}
    if "attributes" in row.dtype.names:
        told = row["attributes"]
        attributes = dict(zip(told.dtype.names, map(float, told), strict=True))
    pose = Pose(*(float(angle) for angle in row["pose"]))
    return GroundTruth(np.array(row["visible"]), np.array(row["depth"]), pose, attributes)


def _box(row: NDArray[np.int32]) -> Box:
    x, y, width, height = (int(value) for value in row)
    return x, y, width, height
