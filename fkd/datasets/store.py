"""Prepared faces on disk: pictures in one flat file that is mapped, not read, and a table."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.sample import BadDataset
from fkd.geometry import Box, Image
from fkd.geometry.pose import Pose
from fkd.ground_truth import GroundTruth
from fkd.io.files import whole_file
from fkd.landmarks import COUNT

PIXELS = "pixels.bin"
TABLE = "faces.npz"
NO_PIXELS = np.zeros((0, 0), np.uint8)
# Stands for the truth of a photo, of which nothing is known.
UNKNOWN = GroundTruth(
    np.zeros(COUNT, np.bool_), np.full(COUNT, np.nan), Pose(np.nan, np.nan, np.nan), {}
)


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


def save_faces(faces: Iterable[LabelledFace], folder: Path) -> int:
    """Write faces one by one as they come; returns how many. The same faces give the same bytes.

    Both files are written whole or not at all. Raises OSError that names the one at fault.
    """
    with whole_file(folder / PIXELS) as pixels:
        rows, shapes = _save_pixels(faces, pixels)
        with whole_file(folder / TABLE) as table:
            _save_table(rows, shapes, table)
    return len(rows)


def _save_pixels(
    faces: Iterable[LabelledFace], path: Path
) -> tuple[list[LabelledFace], list[tuple[int, ...]]]:
    """The faces without their pixels, which are on disk then and not in memory, and the shapes."""
    rows: list[LabelledFace] = []
    shapes: list[tuple[int, ...]] = []
    with path.open("wb") as file:
        for face in faces:
            file.write(np.ascontiguousarray(face.grey).tobytes())
            shapes.append(face.grey.shape)
            rows.append(replace(face, grey=NO_PIXELS))
    return rows, shapes


def _save_table(rows: list[LabelledFace], shapes: list[tuple[int, ...]], path: Path) -> None:
    missed = (0, 0, 0, 0)
    np.savez(
        path,
        **_truth_columns([face.truth for face in rows]),
        names=np.array([face.name for face in rows], dtype=np.str_),
        subsets=np.array([face.subset for face in rows], dtype=np.str_),
        identities=np.array([face.identity for face in rows], dtype=np.str_),
        shapes=np.array(shapes, np.int64).reshape(-1, 2),
        points=np.array([face.points for face in rows], np.float32).reshape(-1, 68, 2),
        reference_boxes=np.array([f.reference_box for f in rows], np.int64).reshape(-1, 4),
        synthetic=np.array([face.synthetic for face in rows], np.bool_),
        detector_boxes=np.array([f.detector_box or missed for f in rows]).reshape(-1, 4),
    )


def _truth_columns(truths: list[GroundTruth | None]) -> dict[str, Any]:
    """Of all faces; NaN where nothing is known."""
    names = sorted({name for truth in truths if truth for name in truth.attributes})
    told = [truth or UNKNOWN for truth in truths]
    attributes = [[truth.attributes.get(name, np.nan) for name in names] for truth in told]
    return {
        "visible": np.array([truth.visible for truth in told], np.bool_).reshape(-1, COUNT),
        "depth": np.array([truth.depth for truth in told], np.float32).reshape(-1, COUNT),
        "pose": np.array([truth.pose for truth in told], np.float32).reshape(-1, 3),
        "attribute_names": np.array(names, dtype=np.str_),
        "attributes": np.array(attributes, np.float32).reshape(len(told), len(names)),
    }


def _truth(columns: dict[str, NDArray], i: int) -> GroundTruth | None:
    """Of one face, None where nothing is known."""
    if np.isnan(columns["pose"][i]).any():
        return None
    names = map(str, columns["attribute_names"])
    return GroundTruth(
        columns["visible"][i],
        columns["depth"][i],
        Pose(*(float(angle) for angle in columns["pose"][i])),
        dict(zip(names, map(float, columns["attributes"][i]), strict=True)),
    )


def load_faces(folder: Path) -> list[LabelledFace]:
    """The faces of a folder that `save_faces` wrote; their pixels stay on disk until used.

    Raises OSError when its files cannot be read, BadDataset when they are damaged.
    """
    try:
        with np.load(folder / TABLE) as table:
            columns = {key: table[key] for key in table.files}
        return _faces(columns, folder / PIXELS) if len(columns["names"]) else []
    except (ValueError, KeyError, IndexError, EOFError, BadZipFile):
        raise BadDataset(f"{folder}: its prepared faces are damaged; prepare them again") from None


def _faces(columns: dict[str, NDArray], path: Path) -> list[LabelledFace]:
    pixels = np.memmap(path, np.uint8, mode="r")
    ends = np.cumsum(columns["shapes"].prod(axis=1))
    faces = []
    for i, (height, width) in enumerate(columns["shapes"]):
        grey = pixels[ends[i] - height * width : ends[i]].reshape(height, width)
        faces.append(
            LabelledFace(
                name=str(columns["names"][i]),
                subset=str(columns["subsets"][i]),
                identity=str(columns["identities"][i]),
                grey=grey,
                points=columns["points"][i],
                reference_box=_box(columns["reference_boxes"][i]),
                detector_box=_box(columns["detector_boxes"][i])
                if columns["detector_boxes"][i].any()
                else None,
                synthetic=bool(columns["synthetic"][i]),
                truth=_truth(columns, i),
            )
        )
    return faces


def _box(row: NDArray[np.int64]) -> Box:
    x, y, width, height = (int(value) for value in row)
    return x, y, width, height
