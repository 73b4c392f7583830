"""Faces drawn on photos and frames, with OpenCV."""

from collections.abc import Sequence
from itertools import zip_longest

import cv2
import numpy as np

from fkd.geometry import Box, Image, Points
from fkd.landmarks import CONTOURS

BOX_BGR = (235, 160, 40)
LINE_BGR = (200, 190, 60)
POINT_BGR = (90, 240, 90)
NUMBER_BGR, EDGE_BGR = (255, 255, 255), (60, 40, 10)
SHIFT = 4  # OpenCV draws with 1/16 pixel
# Contours of a face whose box is narrower hide it: its points alone are drawn, pixels.
NARROWEST_WITH_CONTOURS = 48
# Digits lower than this cannot be read; higher ones are this part of the box's width.
LOWEST_DIGITS, DIGITS_TO_WIDTH = 11, 1 / 9
FONT, FONT_HEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 21  # pixels, of digits at scale 1


def overlay(
    image: Image, faces: Sequence[tuple[Box, Points]], ids: Sequence[int | None] = ()
) -> Image:
    """A copy of a photo with each face's box, contours and 68 points, as thick as the face is
    large, uint8 (H, W, 3) BGR.

    image: uint8 (H, W) or (H, W, 3) BGR. faces: box and points (68, 2) in its pixels. ids: numbers
    of the faces, drawn above their boxes where these are wide enough for readable digits.
    """
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    drawn = np.asarray(colour, np.uint8)
    for (box, points), number in zip_longest(faces, ids):
        _draw_face(drawn, box, points)
        if number is not None:
            _draw_number(drawn, box, str(number))
    return drawn


def _draw_face(drawn: Image, box: Box, points: Points) -> None:
    x, y, width, height = box
    thin = max(1, round(width / 160))
    cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), BOX_BGR, thin)
    fixed = np.round(points * 2**SHIFT).astype(np.int32)
    if width >= NARROWEST_WITH_CONTOURS:
        for first, last, closed in CONTOURS:
            line = [fixed[first:last]]
            cv2.polylines(drawn, line, closed, LINE_BGR, thin, cv2.LINE_AA, SHIFT)
    radius = round(max(0.4, width / 100) * 2**SHIFT)
    for px, py in fixed:
        cv2.circle(drawn, (int(px), int(py)), radius, POINT_BGR, -1, cv2.LINE_AA, SHIFT)


def _draw_number(drawn: Image, box: Box, number: str) -> None:
    """Above the box; inside it where the picture ends."""
    x, y, width, _ = box
    digits = max(LOWEST_DIGITS, round(width * DIGITS_TO_WIDTH))
    scale, thick = digits / FONT_HEIGHT, max(1, round(digits / 8))
    if cv2.getTextSize(number, FONT, scale, thick)[0][0] > width:
        return
    gap = digits // 3
    corner = max(x, 0), y - gap if y >= digits + gap else max(y, 0) + digits + gap
    for colour, stroke in ((EDGE_BGR, 3 * thick), (NUMBER_BGR, thick)):
        cv2.putText(drawn, number, corner, FONT, scale, colour, stroke, cv2.LINE_AA)
