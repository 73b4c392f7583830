"""Face chips: faces cut out upright, with their points on the places of a template."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image, Points
from fkd.geometry.chip_templates import TEMPLATES, Floats
from fkd.geometry.crop import cut_square
from fkd.landmarks import PointsError

MAX_SIZE = 4096  # pixels
MAX_MARGIN = 2.0
# Below this correlation points are not placed as a template's, and the square that would be cut for
# them could be of any size.
LEAST_CORRELATION = 0.1
LEAST_EXTENT = 1.0  # of the points that are aligned, photo pixels


@dataclass(frozen=True, eq=False)
class FaceChip:
    """pixels: uint8, (size, size) of a grey photo or (size, size, 3) BGR. transform: float64
    (2, 3), photo pixels to chip pixels, centres at integers."""

    pixels: Image
    transform: NDArray[np.float64]


def cut_chip(
    image: Image,
    points: Points,
    size: int = 112,
    margin: float | None = None,
    template: str = "eyes",
) -> FaceChip:
    """The chip of the face with these points; what lies outside the photo is black. A face that is
    larger than its chip is averaged over areas, as by `crop_face`, so that nothing aliases.

    image: uint8, (H, W) or (H, W, 3). points: float (68, 2), photo pixels. The rest, and what is
    raised: as of `chip_square`.
    """
    crop = cut_square(image, *chip_square(points, size, margin, template))
    return FaceChip(crop.pixels, crop.transform)


def chip_square(
    points: Points, size: int, margin: float | None, template: str
) -> tuple[NDArray[np.float64], float, int, float]:
    """What `cut_square` cuts for a face with these points: the square's centre (x, y) and side,
    photo pixels, the chip's size, and by how many degrees the photo is turned counter-clockwise.

    points: float (68, 2), photo pixels. size: side of the chip, pixels. margin: how much is shown
    around the template's square at each side, in its sides, 0 to MAX_MARGIN; by default as the
    template says. template: a name of TEMPLATES. Raises ValueError for another size, margin or
    template; PointsError, which is one, for points that are not placed as a face's.
    """
    if template not in TEMPLATES:
        raise ValueError(f"template {template!r} is not one of {', '.join(TEMPLATES)}")
    if not (isinstance(size, int | np.integer) and 1 <= size <= MAX_SIZE):
        raise ValueError(f"size: a whole number of pixels from 1 to {MAX_SIZE}, not {size!r}")
    chosen = TEMPLATES[template]
    around = chosen.margin if margin is None else margin
    if not 0 <= around <= MAX_MARGIN:
        raise ValueError(f"margin: a number from 0 to {MAX_MARGIN:g}, not {margin!r}")
    places = size * (chosen.places + around) / (1 + 2 * around) - 0.5
    seen = np.asarray(chosen.points_of(points), np.float64)
    if np.ptp(seen, axis=0).max() < LEAST_EXTENT:
        raise PointsError(f"the points that template {template!r} aligns lie within a pixel")
    photo = chosen.error_in_photo
    factor = 1 / similarity(places, seen) if photo else similarity(seen, places)
    middle = np.full(2, (size - 1) / 2)
    from_mean = (middle - places.mean(axis=0)) @ [1, 1j] / factor
    centre = seen.mean(axis=0) + [from_mean.real, from_mean.imag]
    return centre, size / abs(factor), size, -float(np.degrees(np.angle(factor)))


def similarity(points: Floats, targets: Floats) -> complex:
    """The scale and rotation that, with a shift, take points nearest to targets, both float (n, 2),
    by the sum of the squared distances: scale * e^(i * angle), x the real axis and y the imaginary
    one. It never mirrors. The shift takes the points' mean to the targets' mean.

    Umeyama (IEEE PAMI 13(4), 1991, equations 40 to 42): rotation U S V^T and scale tr(D S) /
    sigma_x^2 from the singular values U D V^T of the covariance. In the plane both together are a
    quotient of complex numbers, sum(conj(x) y) / sum(conj(x) x), with x and y the points and the
    targets about their means. Raises PointsError where they correlate by LEAST_CORRELATION or less.
    """
    x, y = ((these - these.mean(axis=0)) @ [1, 1j] for these in (points, targets))
    product, spread = np.vdot(x, y), np.vdot(x, x).real
    if abs(product) <= LEAST_CORRELATION * np.sqrt(spread * np.vdot(y, y).real):
        raise PointsError("the points are not placed as those of a face")
    return complex(product / spread)
