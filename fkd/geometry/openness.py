"""How far eyes and mouth are open, as ratios of distances: the same at any size and roll."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points
from fkd.landmarks import PARTS


class EyeOpenness(NamedTuple):
    """The eye aspect ratio of each eye; right and left are the subject's."""

    right: float
    left: float


def eye_openness(points: Points) -> EyeOpenness:
    """The eye aspect ratio of Soukupova and Cech ("Real-Time Eye Blink Detection using Facial
    Landmarks", 2016): (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|), with an eye's points p1 to p6 in the
    order of the convention. Of an open eye about 0.3, of a closed one near 0.

    points: float (68, 2). NaN for an eye whose corners p1 and p4 are one point.
    """
    return EyeOpenness(_aspect(points[PARTS["right_eye"]]), _aspect(points[PARTS["left_eye"]]))


def mouth_openness(points: Points) -> float:
    """The mouth aspect ratio, formed of the inner lips as the eye's is of the lids: the mean of the
    distances |61 - 67|, |62 - 66| and |63 - 65| over that of the corners, |60 - 64|. Of a closed
    mouth near 0. Many who use the name sum the three and divide by 2 |60 - 64|, which is 1.5 times
    this ratio.

    points: float (68, 2). NaN where the corners are one point.
    """
    return _aspect(points[PARTS["inner_lips"]])


def _aspect(outline: NDArray[np.floating]) -> float:
    """Mean height over width of a closed outline, (n, 2), which begins at one corner, goes along
    the upper side to the other, and back below."""
    half = len(outline) // 2
    upper, lower = outline[1:half], outline[:half:-1]
    width = float(np.linalg.norm(outline[half] - outline[0]))
    height = float(np.linalg.norm(upper - lower, axis=1).mean())
    return height / width if width else math.nan
