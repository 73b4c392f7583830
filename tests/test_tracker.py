"""Faces through frames: ids, when the detector runs, and what smoothing buys and costs."""

import dataclasses

import cv2
import numpy as np
import pytest
from conftest import PROJECT

from fkd import Predictor, Tracker
from fkd.evaluation.metrics import nme
from fkd.inference.smoothing import OneEuro
from fkd.inference.tracker import SEARCH_EVERY
from fkd.synthetic.face import render_face
from fkd.synthetic.recipe import load_recipe

SIZE = (640, 480)
RATE = 30.0


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(threads=1)


@pytest.fixture(scope="module")
def rendered() -> tuple[np.ndarray, np.ndarray]:
    """A rendered face of 256 px and its points."""
    recipe = load_recipe(PROJECT / "data/synthetic/recipe.yaml")
    plain = recipe.model_copy(update={"size": 256})
    for index in range(100):
        grey, points, _ = render_face(plain, index)
        if len(Predictor(threads=1)(grey)) == 1:
            return grey, points
    raise AssertionError("no rendered face is found by the detector")


def video(
    face: tuple[np.ndarray, np.ndarray], moves: list[np.ndarray], noise: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames with the face moved by each (2, 3) matrix, sensor noise on each; its true points."""
    grey, points = face
    rng = np.random.default_rng(4)
    frames, truth = [], []
    for move in moves:
        frame = cv2.warpAffine(grey, move, SIZE, borderMode=cv2.BORDER_REPLICATE).astype(float)
        frame += rng.normal(0, noise, frame.shape)
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
        truth.append(points @ move[:, :2].T + move[:, 2])
    return frames, np.array(truth, np.float32)


def placed(x: float, y: float, zoom: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """A 256 px picture turned by degrees about its middle, which comes to (x, y)."""
    move = cv2.getRotationMatrix2D((127.5, 127.5), angle, zoom)
    return move + np.array([[0, 0, x - 127.5], [0, 0, y - 127.5]])


RESTING = [placed(320, 240)] * 60
# A head that goes to and fro by its own width in a second, nods and comes nearer.
MOVING = [
    placed(
        320 + 130 * np.sin(2 * np.pi * t / 60),
        240 + 30 * np.sin(2 * np.pi * t / 45),
        1 + 0.15 * np.sin(2 * np.pi * t / 80),
        12 * np.sin(2 * np.pi * t / 50),
    )
    for t in range(150)
]


def followed(predictor: Predictor, frames: list[np.ndarray], smooth: bool) -> np.ndarray:
    """The points of the one face in each frame."""
    tracker = Tracker(predictor, smooth=smooth, rate=RATE)
    found = [tracker(frame) for frame in frames]
    assert [[face.id for face in faces] for faces in found] == [[1]] * len(frames)
    return np.array([faces[0].points for faces in found])


def test_smoothing_takes_two_thirds_of_the_jitter_of_a_resting_face(predictor, rendered):
    frames, _ = video(rendered, RESTING, noise=10.0)
    raw, smooth = (followed(predictor, frames, s)[15:].std(axis=0).mean() for s in (False, True))
    assert raw > 0.05 and smooth < raw / 3, (raw, smooth)


def test_the_lag_of_smoothing_costs_less_than_a_third_of_a_percent(predictor, rendered):
    frames, truth = video(rendered, MOVING, noise=4.0)
    raw, smooth = (nme(followed(predictor, frames, s), truth).mean() for s in (False, True))
    assert smooth < raw + 0.3, (raw, smooth)


def test_a_filter_at_rest_follows_the_papers_first_order_low_pass():
    """A step of a filter without speed gain: 1 - exp(-2 pi f t), to first order in the step."""
    one_euro = OneEuro(min_cutoff=1.0, beta=0.0)
    zeros = np.zeros((1, 2), np.float32)
    one_euro(zeros, 0.001, 1.0)
    for _ in range(100):
        after = one_euro(zeros + 1, 0.001, 1.0)
    np.testing.assert_allclose(after, 1 - np.exp(-2 * np.pi * 0.1), atol=0.01)


def test_smoothing_does_not_depend_on_the_size_of_the_picture():
    rng = np.random.default_rng(6)
    path = np.cumsum(rng.normal(0, 5, (30, 3, 2)), axis=0).astype(np.float32)
    small, large = OneEuro(1.0, 4.0), OneEuro(1.0, 4.0)
    for places in path:
        one, two = small(places, 1 / 30, 80.0), large(3 * places, 1 / 30, 240.0)
    np.testing.assert_allclose(two, 3 * one, rtol=1e-4)


def test_the_detector_runs_only_to_search(predictor, astronaut, monkeypatch):
    searches = []
    detector = predictor.pipeline.detector

    def counted(grey, min_face):
        searches.append(True)
        return detector.search(grey, min_face)

    counting = dataclasses.replace(
        predictor.pipeline, detector=dataclasses.replace(detector, search=counted)
    )
    monkeypatch.setattr(predictor, "pipeline", counting)
    tracker = Tracker(predictor)
    for _ in range(2 * SEARCH_EVERY + 1):
        tracker(astronaut)
    assert len(searches) == 3  # the first frame, and one in SEARCH_EVERY after it


@pytest.mark.parametrize(("hidden", "id_after"), [(25, 1), (35, 2)])
def test_a_face_hidden_for_less_than_a_second_keeps_its_id(predictor, astronaut, hidden, id_after):
    wall = np.full_like(astronaut, 128)
    tracker = Tracker(predictor, rate=RATE)
    ids = [[f.id for f in tracker(frame)] for frame in (astronaut, *[wall] * hidden, astronaut)]
    assert ids == [[1], *[[]] * hidden, [id_after]]


def test_who_comes_in_the_place_of_another_is_another(predictor, rendered, astronaut):
    other, _ = rendered
    first = cv2.resize(cv2.cvtColor(astronaut[:256, 96:352], cv2.COLOR_BGR2GRAY), (320, 320))
    second = cv2.resize(other, (320, 320))
    tracker = Tracker(predictor)
    ids = [[f.id for f in tracker(frame)] for frame in (first, np.full_like(first, 128), second)]
    assert ids == [[1], [], [2]]


def head(grey: np.ndarray, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A head cut out of a picture as a soft ellipse: its pixels and their opacity."""
    opacity = np.zeros(grey.shape, np.float32)
    axes = (round(0.36 * len(grey)), round(0.46 * len(grey)))
    cv2.ellipse(opacity, (round(centre[0]), round(centre[1])), axes, 0, 0, 360, 1.0, -1)
    return grey, cv2.GaussianBlur(opacity, (0, 0), 3)


def with_heads(*heads: tuple[tuple[np.ndarray, np.ndarray], float]) -> np.ndarray:
    """A frame with heads whose pictures begin at some columns, the last before the others."""
    frame = np.full((300, 720), 120, np.float32)
    for (grey, opacity), column in heads:
        move = np.array([[1, 0, column], [0, 1, 30]], np.float32)
        alpha = cv2.warpAffine(opacity, move, frame.shape[::-1])
        frame += alpha * (cv2.warpAffine(grey, move, frame.shape[::-1]) - frame)
    return frame.astype(np.uint8)


@pytest.mark.parametrize("meeting", ["cross", "turn back"])
def test_two_who_meet_keep_their_ids(predictor, rendered, astronaut, meeting):
    """The one is wholly behind the other for half a second."""
    grey, points = rendered
    behind = head(cv2.resize(grey, (180, 180)), tuple(points.mean(axis=0) * 180 / 256))
    photo = cv2.cvtColor(astronaut[30:250, 120:340], cv2.COLOR_BGR2GRAY)
    before = head(cv2.resize(photo, (180, 180)), (84, 78))
    tracker = Tracker(predictor, rate=RATE)
    ids: list[tuple[int, ...]] = []
    for t in np.linspace(0, 1, 60):
        way = 1 - abs(2 * t - 1) if meeting == "turn back" else 2 * t
        columns = 40 + 240 * way, 520 - 240 * way
        faces = tracker(with_heads((behind, columns[0]), (before, columns[1])))
        if abs(columns[0] - columns[1]) > 180 and len(faces) == 2:
            nearest = [
                min(faces, key=lambda f, c=c: abs(f.box[0] + f.box[2] / 2 - c - 90)).id
                for c in columns
            ]
            ids.append(tuple(nearest))
    assert len(ids) > 20 and set(ids) in ({(1, 2)}, {(2, 1)}), ids


def test_small_faces_are_searched_for_in_the_first_frame_and_then_now_and_then(
    predictor, monkeypatch
):
    wall = np.full((480, 640), 128, np.uint8)
    tracker, sizes = Tracker(predictor), []
    for _ in range(SEARCH_EVERY + 1):
        tracker(wall)
        sizes.append(tracker.min_face)
    assert [size < 30 for size in sizes] == [True, *[False] * (SEARCH_EVERY - 1), True]


def test_a_frame_of_another_size_begins_anew(predictor, astronaut):
    tracker = Tracker(predictor)
    half = cv2.resize(astronaut, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    (first,), (second,) = tracker(astronaut), tracker(half)
    assert (first.id, second.id) == (1, 2)
    assert np.abs(second.points - first.points / 2).max() < 4


def test_a_model_without_scores_loses_a_face_when_the_detector_does(predictor, astronaut):
    def scoreless(pixels):
        return predictor.pipeline.model(pixels)._replace(score=None)

    plain = Predictor(threads=1)
    plain.pipeline = dataclasses.replace(plain.pipeline, model=scoreless)
    tracker = Tracker(plain)
    assert len(tracker(astronaut)) >= 1  # false boxes too: nothing tells them apart
    for _ in range(SEARCH_EVERY):
        left = tracker(np.full_like(astronaut, 128))
    assert left == []


def test_two_faces_keep_their_ids_while_both_move(predictor, astronaut):
    small = cv2.resize(astronaut[:256], None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA)
    pair = np.hstack([small, small[:, ::-1]])
    tracker = Tracker(predictor)
    sides: dict[int, set[bool]] = {}
    for step in range(20):
        frame = np.roll(pair, step, axis=1)
        for face in tracker(frame):
            sides.setdefault(face.id, set()).add(face.box[0] > pair.shape[1] / 2)
    assert sides == {1: {False}, 2: {True}} or sides == {1: {True}, 2: {False}}


def test_the_same_frames_give_the_same_points(predictor, rendered):
    frames, _ = video(rendered, MOVING[:20], noise=4.0)
    first, second = (followed(predictor, frames, True) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_impossible_settings_are_refused(predictor):
    with pytest.raises(ValueError, match="must be positive"):
        Tracker(predictor, rate=0)
