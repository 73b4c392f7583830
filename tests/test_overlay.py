"""Faces drawn on photos: marks as large as the face, and numbers that can be read."""

import numpy as np
import pytest

from fkd.geometry.boxes import reference_box
from fkd.geometry.pose import Pose
from fkd.inference.face import Face
from fkd.inference.overlay import layers_of, overlay


def face(side: int, left: int, top: int, **told) -> Face:
    """Points spread over a face of about this width."""
    rng = np.random.default_rng(3)
    points = np.float32([left, top]) + side * rng.random((68, 2)).astype(np.float32)
    return Face(points, reference_box(points), None, None, **told)


def marked(frame: np.ndarray, *arguments) -> np.ndarray:
    """Which pixels are drawn on."""
    return (overlay(frame, *arguments) != frame).any(axis=2)


@pytest.mark.parametrize(("side", "joined"), [(35, False), (120, True)])
def test_contours_are_left_out_where_they_would_hide_a_small_face(side, joined):
    one = face(side, 40, 40)
    box, points = one.box, one.points
    inside = marked(np.zeros((300, 300, 3), np.uint8), [one])
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
    one = face(side, 120, 150, id=number)
    rows, _ = np.nonzero(marked(frame, [one])[: one.box[1]])
    assert (len(rows) > 0) is shown
    if shown:
        assert np.ptp(rows) + 1 >= 10  # pixels: lower digits cannot be read


def test_a_number_grows_with_its_face_and_stays_in_the_picture():
    def height(side: int, top: int) -> int:
        frame = np.zeros((1500, 1500, 3), np.uint8)
        one = face(side, 100, top, id=1)
        return int(np.ptp(np.nonzero(marked(frame, [one], ["ids"]))[0]))

    assert height(900, 400) == pytest.approx(3 * height(300, 400), rel=0.15)
    assert height(300, 0) == height(300, 400)


def test_a_hidden_point_is_a_ring_and_one_that_is_seen_is_filled():
    grid = np.stack(np.meshgrid(np.arange(9) * 80, np.arange(8) * 80), axis=-1)
    points = 40 + grid.reshape(-1, 2)[:68].astype(np.float32)
    visible = np.arange(68) % 2 * np.float32(1)
    one = Face(points, (0, 0, 720, 720), None, None, visible=visible)
    drawn = marked(np.zeros((720, 720, 3), np.uint8), [one], ["points"])
    rows, columns = points.astype(int).T[::-1]
    np.testing.assert_array_equal(drawn[rows, columns], visible > 0.5)
    hidden = visible < 0.5
    assert drawn[rows[hidden], columns[hidden] + 2 * round(720 / 100)].all()


def test_the_axes_point_where_the_head_does():
    one = face(100, 100, 100, pose=Pose(90.0, 0.0, 0.0))
    rows, columns = np.nonzero(marked(np.zeros((400, 400, 3), np.uint8), [one], ["axes"]))
    x, y = one.points[27]
    # To its own left, the right of the picture, and down; its left side is straight behind it.
    assert columns.max() > x + 0.4 * one.box[2] and columns.min() > x - 5
    assert rows.max() > y + 0.4 * one.box[2] and rows.min() > y - 5
    assert not marked(np.zeros((400, 400, 3), np.uint8), [face(100, 100, 100)], ["axes"]).any()


def test_layers_are_named_and_others_refused():
    assert layers_of("points, axes") == ("points", "axes")
    with pytest.raises(ValueError, match="'mesh' is not one of box, contours, points, axes, ids"):
        layers_of("points,mesh")
