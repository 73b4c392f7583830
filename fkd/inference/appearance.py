"""What a face looks like, as numbers by which one is told from another for a second or so."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Image
from fkd.geometry.crop import CropSpec, crop_face

# So small that a turn of some degrees and a new expression leave it nearly as it was.
CHIP = CropSpec(size=12)
BLUR = 1.5  # of the shading that is taken away, chip pixels: light does not tell faces apart
# Faces at least this similar can be one. Of 43 faces on group photos, turned, zoomed and darkened
# as within a second, all are as similar to what they were, and 9 % of the pairs of different faces.
SAME_FACE = 0.5


def appearance(grey: Image, box: Box) -> NDArray[np.float32]:
    """A unit vector, float32 (144,), of the face in a box; the dot product of two is their
    similarity, -1..1.

    grey: uint8 (H, W). box: photo pixels, in the convention of `fkd.geometry.boxes.reference_box`.
    """
    chip = crop_face(grey, box, CHIP).pixels.astype(np.float32)
    shape = (chip - cv2.GaussianBlur(chip, (0, 0), BLUR)).ravel()
    return np.asarray(shape / max(float(np.linalg.norm(shape)), 1e-6), np.float32)
