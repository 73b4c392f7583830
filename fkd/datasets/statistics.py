"""How well the detector finds and frames the faces of a set."""

from dataclasses import dataclass

import numpy as np

from fkd.datasets.store import LabelledFace
from fkd.geometry.boxes import box_offset


@dataclass(frozen=True)
class DetectorStatistics:
    """faces: how many were looked at. recall: share of them found, 0..1. right, below: mean and
    standard deviation of the shift of the detector's boxes from the reference boxes, in sides of
    those. size: the same of the ratio of sides. All three are None where no face was found.
    """

    faces: int
    recall: float
    right: tuple[float, float] | None
    below: tuple[float, float] | None
    size: tuple[float, float] | None


def detector_statistics(faces: list[LabelledFace]) -> DetectorStatistics:
    """Recall and scatter of boxes over some faces (at least one)."""
    pairs = [(face.detector_box, face.reference_box) for face in faces if face.detector_box]
    if not pairs:
        return DetectorStatistics(len(faces), 0.0, None, None, None)
    offsets = np.array([box_offset(box, reference) for box, reference in pairs])
    mean, std = offsets.mean(axis=0), offsets.std(axis=0)
    right, below, size = ((float(m), float(s)) for m, s in zip(mean, std, strict=True))
    return DetectorStatistics(len(faces), len(pairs) / len(faces), right, below, size)
