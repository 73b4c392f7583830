"""Templates of face chips: where which points of a face come to lie."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points
from fkd.geometry.boxes import POINTS_SIDE
from fkd.geometry.roll import MEAN_FIVE_POINTS, five_points

Floats = NDArray[np.floating]

# Of ArcFace's chips (Deng et al. 2019, as in InsightFace): pixels of a chip of 112 pixels, in the
# order of `five_points`.
ARCFACE_SIZE = 112
ARCFACE_PLACES = np.array(
    [
        *[(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366)],
        *[(41.5493, 92.3655), (70.7299, 92.2041)],
    ]
)

# Of dlib's `get_face_chip`: its mean face, in sides of the chip without padding, as far as it
# aligns by it, which is by nose, eyes and upper lip.
DLIB_POINTS = (*range(27, 55), *range(60, 65))
DLIB_PLACES = np.array(
    [
        *[(0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625)],
        *[(0.366880, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345)],
        *[(0.613373, 0.587326), (0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852)],
        *[(0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077), (0.645647, 0.231733)],
        *[(0.714428, 0.179852), (0.793132, 0.178758), (0.858516, 0.216423), (0.797510, 0.244077)],
        *[(0.719335, 0.245099), (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388)],
        *[(0.490127, 0.742578), (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233)],
        *[(0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343), (0.552157, 0.778746)],
        (0.689874, 0.784792),
    ]
)


@dataclass(frozen=True, eq=False)
class ChipTemplate:
    """points_of: the points (n, 2), of a face's 68, that are aligned. places: float64 (n, 2), where
    they come to lie, in sides of the template's square, 0 to 1 from edge to edge. margin: how much
    is shown around that square at each side by default, in its sides. error_in_photo: whether the
    squared distances that are least are those in the photo, and not those in the chip.
    """

    points_of: Callable[[Points], Floats]
    places: Floats
    margin: float
    error_in_photo: bool = False


def _eyes(points: Points) -> Floats:
    return five_points(points)[:2]


def _of_dlib(points: Points) -> Floats:
    return points[[*DLIB_POINTS]]


# `eyes`: the mean face's 68 points fill the square.
TEMPLATES = {
    "eyes": ChipTemplate(_eyes, 0.5 + MEAN_FIVE_POINTS[:2] / POINTS_SIDE, margin=0.25),
    "arcface": ChipTemplate(five_points, (ARCFACE_PLACES + 0.5) / ARCFACE_SIZE, margin=0.0),
    "dlib": ChipTemplate(_of_dlib, DLIB_PLACES, margin=0.25, error_in_photo=True),
}
