"""Prepared faces on disk: pictures in one flat file that is mapped, not read, and a table."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Image

PIXELS = "pixels.bin"
TABLE = "faces.npz"
NO_PIXELS = np.zeros((0, 0), np.uint8)


@dataclass(frozen=True)
class LabelledFace:
    """One labelled face in its face chip, or a test face in its whole photo.

    grey: uint8 (H, W). points: float32 (68, 2), pixels of it. reference_box: of the points.
    detector_box: the detector's own, None where it missed the face. synthetic: not of a real
    person.
    """

    name: str
    subset: str
    identity: str
    grey: Image
    points: NDArray[np.float32]
    reference_box: Box
    detector_box: Box | None
    synthetic: bool = False

    @property
    def box(self) -> Box:
        """The detector's box where it found the face, else the reference box."""
        return self.detector_box or self.reference_box


def save_faces(faces: Iterable[LabelledFace], folder: Path) -> int:
    """Write faces one by one as they come; returns how many. The same faces give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[LabelledFace] = []
    shapes: list[tuple[int, ...]] = []
    with (folder / PIXELS).open("wb") as file:
        for face in faces:
            file.write(np.ascontiguousarray(face.grey).tobytes())
            shapes.append(face.grey.shape)
            rows.append(replace(face, grey=NO_PIXELS))  # they are on disk, not in memory
    missed = (0, 0, 0, 0)
    np.savez(
        folder / TABLE,
        names=np.array([face.name for face in rows], dtype=np.str_),
        subsets=np.array([face.subset for face in rows], dtype=np.str_),
        identities=np.array([face.identity for face in rows], dtype=np.str_),
        shapes=np.array(shapes, np.int64).reshape(-1, 2),
        points=np.array([face.points for face in rows], np.float32).reshape(-1, 68, 2),
        reference_boxes=np.array([f.reference_box for f in rows], np.int64).reshape(-1, 4),
        synthetic=np.array([face.synthetic for face in rows], np.bool_),
        detector_boxes=np.array([f.detector_box or missed for f in rows]).reshape(-1, 4),
    )
    return len(rows)


def load_faces(folder: Path) -> list[LabelledFace]:
    """The faces of a folder that `save_faces` wrote; their pixels stay on disk until used."""
    with np.load(folder / TABLE) as table:
        columns = {key: table[key] for key in table.files}
    if not len(columns["names"]):
        return []
    pixels = np.memmap(folder / PIXELS, np.uint8, mode="r")
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
            )
        )
    return faces


def _box(row: NDArray[np.int64]) -> Box:
    x, y, width, height = (int(value) for value in row)
    return x, y, width, height
