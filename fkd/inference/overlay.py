"""Faces drawn on photos and frames, with OpenCV. Add a layer by writing a function and naming it
in LAYERS."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image
from fkd.geometry.pose import rotation_of
from fkd.inference.face import Face
from fkd.landmarks import CONTOURS

BOX_BGR = (235, 160, 40)
LINE_BGR = (200, 190, 60)
POINT_BGR, HIDDEN_BGR = (90, 240, 90), (70, 160, 250)
NUMBER_BGR, EDGE_BGR = (255, 255, 255), (60, 40, 10)
# Of the head's axes: to its left, down, and where it looks.
AXES_BGR = ((60, 60, 240), (80, 200, 80), (240, 120, 60))
SHIFT = 4  # OpenCV draws with 1/16 pixel
# Contours of a face whose box is narrower hide it: its points alone are drawn, pixels.
NARROWEST_WITH_CONTOURS = 48
# Digits lower than this cannot be read; higher ones are this part of the box's width.
LOWEST_DIGITS, DIGITS_TO_WIDTH = 11, 1 / 9
FONT, FONT_HEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 21  # pixels, of digits at scale 1
# A point that is seen with less than this probability is drawn as a ring.
SEEN = 0.5
AXIS_LENGTH = 0.5  # box sides


def _draw_box(drawn: Image, face: Face) -> None:
    x, y, width, height = face.box
    cv2.rectangle(drawn, (x, y), (x + width - 1, y + height - 1), BOX_BGR, _thin(face))


def _draw_contours(drawn: Image, face: Face) -> None:
    fixed = _fixed(face.points)
    if face.box[2] >= NARROWEST_WITH_CONTOURS:
        for first, last, closed in CONTOURS:
            line = [fixed[first:last]]
            cv2.polylines(drawn, line, closed, LINE_BGR, _thin(face), cv2.LINE_AA, SHIFT)


def _draw_points(drawn: Image, face: Face) -> None:
    radius = round(max(0.4, face.box[2] / 100) * 2**SHIFT)
    seen = np.ones(len(face.points), bool) if face.visible is None else face.visible >= SEEN
    for (x, y), filled in zip(_fixed(face.points), seen, strict=True):
        centre = int(x), int(y)
        if filled:
            cv2.circle(drawn, centre, radius, POINT_BGR, -1, cv2.LINE_AA, SHIFT)
        else:  # twice as large, as a small ring has no room inside
            cv2.circle(drawn, centre, 2 * radius, HIDDEN_BGR, _thin(face), cv2.LINE_AA, SHIFT)


def _draw_axes(drawn: Image, face: Face) -> None:
    """From between the eyes: to the head's left, down, and where it looks."""
    if face.pose is None:
        return
    left, down, back = rotation_of(face.pose).T
    origin = face.points[27]
    for axis, colour in zip((left, down, -back), AXES_BGR, strict=True):
        end = origin + axis[:2] * AXIS_LENGTH * face.box[2]
        line = [_fixed(np.stack([origin, end]))]
        cv2.polylines(drawn, line, False, colour, 2 * _thin(face), cv2.LINE_AA, SHIFT)


def _draw_id(drawn: Image, face: Face) -> None:
    """Above the box; inside it where the picture ends."""
    x, y, width, _ = face.box
    number = "" if face.id is None else str(face.id)
    digits = max(LOWEST_DIGITS, round(width * DIGITS_TO_WIDTH))
    scale, thick = digits / FONT_HEIGHT, max(1, round(digits / 8))
    if not number or cv2.getTextSize(number, FONT, scale, thick)[0][0] > width:
        return
    gap = digits // 3
    corner = max(x, 0), y - gap if y >= digits + gap else max(y, 0) + digits + gap
    for colour, stroke in ((EDGE_BGR, 3 * thick), (NUMBER_BGR, thick)):
        cv2.putText(drawn, number, corner, FONT, scale, colour, stroke, cv2.LINE_AA)


# In the order in which they are drawn.
LAYERS: dict[str, Callable[[Image, Face], None]] = {
    "box": _draw_box,
    "contours": _draw_contours,
    "points": _draw_points,
    "axes": _draw_axes,
    "ids": _draw_id,
}
DEFAULT_LAYERS = ("box", "contours", "points", "ids")


def overlay(image: Image, faces: Sequence[Face], layers: Sequence[str] = DEFAULT_LAYERS) -> Image:
    """A copy of a photo, uint8 (H, W) or (H, W, 3) BGR, with its faces drawn as thick as they are
    large: uint8 (H, W, 3) BGR.

    layers: names in LAYERS: box; contours; points, as rings where something hides them; axes of the
    head; ids, above boxes that are wide enough for readable digits. What a face does not tell is
    not drawn.
    """
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    drawn = np.asarray(colour, np.uint8)
    for face in faces:
        for name, draw in LAYERS.items():
            if name in layers:
                draw(drawn, face)
    return drawn


def layers_of(text: str) -> tuple[str, ...]:
    """The layers that a text names, "points,axes". Raises ValueError for others."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in LAYERS:
            raise ValueError(f"{name!r} is not one of {', '.join(LAYERS)}")
    return names


def _thin(face: Face) -> int:
    """The thickness of a line, pixels."""
    return max(1, round(face.box[2] / 160))


def _fixed(places: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.round(places * 2**SHIFT).astype(np.int32)
