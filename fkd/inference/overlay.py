"""Faces drawn on photos and frames, with OpenCV."""

from collections.abc import Sequence

import cv2
import numpy as np

from fkd.geometry import Box, Image, Points
from fkd.landmarks import CONTOURS

BOX_BGR = (235, 160, 40)
LINE_BGR = (200, 190, 60)
POINT_BGR = (90, 240, 90)
SHIFT = 4  # OpenCV draws with 1/16 pixel


def overlay(image: Image, faces: Sequence[tuple[Box, Points]]) -> Image:
    """A copy of a photo with each face's box, contours and 68 points, uint8 (H, W, 3) BGR.

    image: uint8 (H, W) or (H, W, 3) BGR. faces: box and points (68, 2) in its pixels.
    """
    drawn = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    for (x, y, width, height), points in faces:
        thin = max(1, round(width / 220))
        cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), BOX_BGR, thin)
        fixed = np.round(points * 2**SHIFT).astype(np.int32)
        for first, last, closed in CONTOURS:
            line = [fixed[first:last]]
            cv2.polylines(drawn, line, closed, LINE_BGR, thin, cv2.LINE_AA, SHIFT)
        radius = round(max(0.8, width / 120) * 2**SHIFT)
        for px, py in fixed:
            cv2.circle(drawn, (int(px), int(py)), radius, POINT_BGR, -1, cv2.LINE_AA, SHIFT)
    return np.asarray(drawn, dtype=np.uint8)
