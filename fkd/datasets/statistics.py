"""How well the detector finds and frames the faces of a set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def detector_statistics(
    reference_boxes: NDArray[np.int32], detector_boxes: NDArray[np.int32]
) -> DetectorStatistics:
    """Recall and scatter of boxes over some faces (at least one).

    Both: int32 (N, 4); a detector's box of zeros is that of a face that it missed.
    """
    count, found = len(reference_boxes), detector_boxes.any(axis=1)
    if not found.any():
        return DetectorStatistics(count, 0.0, None, None, None)
    pairs = zip(detector_boxes[found].tolist(), reference_boxes[found].tolist(), strict=True)
    offsets = np.array([box_offset(box, reference) for box, reference in pairs])
    mean, std = offsets.mean(axis=0), offsets.std(axis=0)
    right, below, size = ((float(m), float(s)) for m, s in zip(mean, std, strict=True))
    return DetectorStatistics(count, len(offsets) / count, right, below, size)
