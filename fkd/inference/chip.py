"""The chip of a found face: `face_chip`."""

import numpy as np

from fkd.geometry import Image, Points
from fkd.geometry.chip import FaceChip, cut_chip
from fkd.geometry.image import checked_image
from fkd.inference.face import Face
from fkd.landmarks import check_points


def face_chip(
    image: Image,
    face: Face | Points,
    size: int = 112,
    margin: float | None = None,
    template: str = "eyes",
) -> FaceChip:
    """A face cut out of a photo upright, at a chosen size; what lies outside the photo is black.

    image: uint8, (H, W) grey or (H, W, 3) BGR; the chip is of the same kind. face: found in it, or
    its points, float (68, 2), photo pixels. size: side of the chip, pixels, 1 to 4096. margin: how
    much is shown around the template's square at each side, in its sides, 0 to 2. template:

    - `eyes`: the eyes' centres are level and always in the same place. Without a margin the points
      of a mean face fill the square; the default is 0.25.
    - `arcface`: the eyes' centres, the nose tip and the mouth's corners lie nearest to the five
      places that ArcFace and InsightFace align to, at a size of 112 to the pixel; the margin is 0.
    - `dlib`: what dlib's `get_face_chip` cuts, which aligns nose, eyes and upper lip to its mean
      face; the margin is its `padding`, 0.25. The centre, side and angle of the square are dlib's;
      dlib lays it between the centres of the outer pixels instead of their edges, so at the edges
      the chips differ by up to half a pixel, of the chip or of the photo, whichever is larger.

    Of a profile, whose eyes are near each other, `eyes` shows a small part; take another template.
    Raises ValueError for another image, size, margin or template, and for points that are not those
    of a face.
    """
    checked = checked_image(image, "image")
    points = face.points if isinstance(face, Face) else face
    return cut_chip(checked, check_points(np.asarray(points, float)), size, margin, template)
