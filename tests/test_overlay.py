"""Faces drawn on photos: marks as large as the face, and numbers that can be read."""

import numpy as np
import pytest

from fkd.geometry.boxes import reference_box
from fkd.inference.overlay import overlay


def face(side: int, left: int, top: int) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Points spread over a face of about this width, and their box."""
    rng = np.random.default_rng(3)
    points = np.float32([left, top]) + side * rng.random((68, 2)).astype(np.float32)
    return reference_box(points), points


def marked(frame: np.ndarray, *arguments) -> np.ndarray:
    """Which pixels are drawn on."""
    return (overlay(frame, *arguments) != frame).any(axis=2)


@pytest.mark.parametrize(("side", "joined"), [(35, False), (120, True)])
def test_contours_are_left_out_where_they_would_hide_a_small_face(side, joined):
    box, points = face(side, 40, 40)
    inside = marked(np.zeros((300, 300, 3), np.uint8), [(box, points)])
    far = [k for k in range(16) if np.linalg.norm(points[k + 1] - points[k]) > side / 2]
    clear = [
        middle
        for middle in ((points[k] + points[k + 1]) / 2 for k in far)
        if np.linalg.norm(points - middle, axis=1).min() > 3 and _off_the_edge(middle, box)
    ]
    drawn_on = [bool(inside[round(float(y)), round(float(x))]) for x, y in clear]
    assert len(drawn_on) > 0 and set(drawn_on) == {joined}


def _off_the_edge(place: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    """Whether a place is not on the rectangle that is drawn."""
    corners = np.array([box[:2], (box[0] + box[2], box[1] + box[3])])
    return bool(np.abs(place - corners).min() > 2)


@pytest.mark.parametrize(("side", "number", "shown"), [(40, 7, True), (40, 12345, False)])
def test_a_number_is_drawn_above_a_face_that_is_wide_enough_to_read_it(side, number, shown):
    frame = np.zeros((300, 300, 3), np.uint8)
    box, points = face(side, 120, 150)
    rows, _ = np.nonzero(marked(frame, [(box, points)], [number])[: box[1]])
    assert (len(rows) > 0) is shown
    if shown:
        assert np.ptp(rows) + 1 >= 10  # pixels: lower digits cannot be read


def test_a_number_grows_with_its_face_and_stays_in_the_picture():
    def height(side: int, top: int) -> int:
        frame = np.zeros((1500, 1500, 3), np.uint8)
        one = face(side, 100, top)
        changed = (overlay(frame, [one], [1]) != overlay(frame, [one])).any(axis=2)
        return int(np.ptp(np.nonzero(changed)[0]))

    assert height(900, 400) == pytest.approx(3 * height(300, 400), rel=0.15)
    assert height(300, 0) == height(300, 400)
