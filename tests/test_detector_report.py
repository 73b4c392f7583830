"""The detector's report: figures of constructed answers, worked out by hand, and its pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fkd.datasets.scenes.compose import Scene
from fkd.evaluation.detection import Curve, Found, Scored, score_scenes
from fkd.evaluation.detector_figures import (
    precision_recall,
    recall_by,
    scene_gallery,
    with_squares,
    worst_gallery,
)
from fkd.evaluation.detector_report import CLASSES, figures, recall_of_classes, write_figures

NOBODY = np.empty((0, 3))
GREY = np.full((64, 64), 60, np.uint8)
UPRIGHT = np.array([[-0.2, -0.27], [0.2, -0.27], [0, -0.05], [-0.17, 0.13], [0.17, 0.13]])


def found(*faces: tuple[float, float, float, float]) -> Found:
    """Detections of a score, centre x, y, and side, the most certain first."""
    table = np.array(faces, float).reshape(-1, 4)
    return Found(table[:, 0], table[:, 1:])


def scene(*faces: tuple[float, float, float, bool], shade: int = 60) -> Scene:
    """A scene of faces of a side, yaw and roll, 300 pixels apart in a row, certain or not."""
    squares, five, yaws, certain = [], [], [], []
    for i, (side, yaw, roll, sure) in enumerate(faces):
        turn = np.radians(roll)
        matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        squares.append((300 * i, 50, side))
        five.append(UPRIGHT @ matrix * side + (300 * i, 50))
        yaws.append(yaw)
        certain.append(sure)
    return Scene(
        np.full((64, 64), shade, np.uint8),
        np.array(squares, np.float32).reshape(-1, 3),
        np.array(five, np.float32).reshape(-1, 5, 2),
        np.array(yaws, np.float32),
        np.array(certain, bool),
    )


def test_the_figures_of_a_constructed_set():
    """Two of three faces found, with a false detection between them, in two pictures."""
    answers = [found((0.9, 10, 10, 20), (0.6, 50, 10, 20)), found((0.8, 90, 90, 20))]
    labels = [np.array([[10, 10, 20], [50, 10, 20], [90, 10, 20.0]]), NOBODY]
    assert figures(Scored([GREY, GREY], labels, answers)) == {
        "pictures": 2,
        "faces": 3,
        # Precision 1 for a third of the faces, and 2 of 3 for another third.
        "average_precision": pytest.approx(100 * (1 / 3 + 2 / 9), abs=0.01),
        # The false detection is half a one for a picture.
        "recall_at_0.01": 33.33,
        "recall_at_0.05": 33.33,
        "recall_at_0.1": 33.33,
    }


def test_recall_at_a_rate_of_false_detections_is_that_of_the_threshold_with_so_many():
    """A false one in each of six of a hundred pictures, each more certain than a face."""
    answers = [
        found((0.9 - i / 100, 10, 10, 20), (0.895 - i / 100, 50, 10, 20)) if i < 6 else found()
        for i in range(100)
    ]
    labels = [np.array([[50, 10, 20.0]])] * 10 + [NOBODY] * 90
    told = figures(Scored([GREY] * 100, labels, answers))
    assert told["faces"] == 10
    recall = [told[f"recall_at_{rate}"] for rate in ("0.01", "0.05", "0.1")]
    assert recall == [10.0, 50.0, 60.0]


def by_class(scenes: list[Scene], answers: list[Found]) -> dict[str, dict[int, float]]:
    """Recall by class, each called by its lower edge, of the classes with faces."""
    given = iter(answers)
    told = recall_of_classes(scenes, score_scenes(lambda grey: next(given), scenes))
    return {
        name: {
            low: recall
            for low, recall in zip(CLASSES[name][:-1], values, strict=True)
            if not np.isnan(recall)
        }
        for name, values in told.items()
    }


def test_recall_is_told_by_side_yaw_and_roll_of_the_faces_that_are_certain():
    scenes = [
        scene((10, 5, 0, True), (20, -50, 95, True), (40, 80, -30, False), (11, 0, -178, True)),
        scene((70, 14.9, -100, True)),
    ]
    # Missed: the face of 20 pixels. The uncertain one is found, and counts for nothing.
    first = found((0.9, 0, 50, 10), (0.8, 600, 50, 40), (0.7, 900, 50, 11))
    assert by_class(scenes, [first, found((0.6, 0, 50, 70))]) == {
        "side": {8: 100.0, 16: 0.0, 64: 100.0},
        "yaw": {0: 100.0, 45: 0.0},
        "roll": {0: 100.0, 90: 50.0, 135: 100.0},
    }


def test_a_face_found_below_the_threshold_is_missed():
    """One false detection in a scene of two is more than one in twenty."""
    scenes = [scene((10, 0, 0, True)), scene((20, 0, 0, True))]
    answers = [found((0.9, 0, 50, 10)), found((0.8, 500, 500, 20), (0.7, 0, 50, 20))]
    assert by_class(scenes, answers)["side"] == {8: 100.0, 16: 0.0}


def test_squares_are_drawn_around_their_centre_on_a_copy():
    picture = np.zeros((50, 60), np.uint8)
    drawn = with_squares(picture, np.array([[30, 20, 16.0]]), 255)
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 28, 22, 38)
    assert set(np.unique(drawn)) == {0, 255} and (drawn[13:28, 23:38] == 0).all()
    assert (picture == 0).all()


def test_a_gallery_of_scenes_shows_certain_faces_white_and_others_grey():
    one = scene((20, 0, 0, True), (20, 0, 0, False))
    one.faces[:, :2] = (20, 30), (45, 30)
    (shown,) = [axis.images[0].get_array() for axis in scene_gallery([one]).axes if axis.images]
    assert shown[30, 10] == shown[20, 20] == 255 and shown[30, 35] == shown[40, 45] == 128
    assert shown[30, 20] == shown[30, 45] == shown[5, 5] == 60


def test_the_worst_pictures_are_enlarged_with_labels_black_and_detections_white():
    labels, squares = np.array([[20, 32, 16.0]]), np.array([[44, 32, 16.0]])
    figure = worst_gallery([GREY], [labels], [squares])
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (256, 256)
    assert shown[128, 4 * 12] == shown[4 * 40, 80] == 0
    assert shown[128, 4 * 36] == shown[4 * 24, 176] == 255
    assert shown[128, 80] == shown[128, 176] == 60


def test_recall_stands_over_the_middle_of_its_class_and_precision_over_recall():
    figure = recall_by({"yaw": (0, 10, 40), "side": (8, 12)}, {"yaw": [90, 50], "side": [70]})
    lines = {axis.get_xlabel(): axis.lines[0].get_xydata().tolist() for axis in figure.axes[:2]}
    assert lines == {"yaw": [[5, 90], [25, 50]], "side": [[10, 70]]}
    curve = Curve(*(np.array(of) for of in ([0.9, 0.8], [0.5, 0.6], [0, 0.1], [1, 0.7])))
    (axis,) = precision_recall({"photos": curve}).axes
    assert axis.lines[0].get_xydata().tolist() == [[0.5, 1.0], [0.6, 0.7]]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("recall", "precision")
    assert axis.get_legend().texts[0].get_text() == "photos"


def test_the_pictures_with_most_errors_come_first(tmp_path: Path):
    """Missed faces and false detections above the threshold count alike; the shade of a picture
    tells which it is."""
    face, other = np.array([[20, 20, 16.0]]), np.array([[20, 20, 16], [45, 45, 16.0]])
    cases = {
        60: (face, found((0.9, 20, 20, 16))),  # right
        100: (other, found()),  # two missed
        140: (face, found((0.8, 45, 45, 16))),  # one missed, one false but below the threshold
        180: (other, found((0.9, 20, 20, 16), (0.1, 5, 60, 9), (0.1, 9, 60, 9))),  # one missed
    }
    scored = Scored(
        [np.full((64, 64), shade, np.uint8) for shade in cases],
        [labels for labels, _ in cases.values()],
        [answers for _, answers in cases.values()],
    )
    classes = {name: [50.0] * (len(edges) - 1) for name, edges in CLASSES.items()}
    write_figures({"photos": scored}, classes, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"precision_recall.png", "recall.png", "worst_photos.png"}
    shown = cv2.imread(str(tmp_path / "worst_photos.png"), cv2.IMREAD_GRAYSCALE)
    height, width = shown.shape
    middles = [int((i + 0.5) / 6 * width) for i in range(6)]
    shades = [
        int(np.median(shown[height // 2 - 4 : height // 2 + 4, x - 4 : x + 4])) for x in middles
    ]
    assert shades == pytest.approx([100, 140, 180, 60, 255, 255], abs=2)
