"""The detector network in use: `detector="neural"`."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT
from typer.testing import CliRunner

from fkd import Predictor, Tracker
from fkd.cli import app
from fkd.detection.detections import Detection, Search
from fkd.detection.neural import DEFAULT_SIDE, SMALLEST_FACE, TILE, find, open_neural
from fkd.geometry import Image, Points
from fkd.geometry.crop import to_grey
from fkd.geometry.roll import Frame
from fkd.inference.face import Face
from fkd.inference.timing import StepTimer
from fkd.io.pts import format_pts
from fkd.models.detector import open_detector
from fkd.models.metadata import ModelError
from fkd.models.output import ModelOutput
from fkd.models.zoo import DETECTOR, PACKAGED


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(detector="neural")


@pytest.fixture(scope="module")
def upright(astronaut) -> Points:
    """The astronaut's points in the cascade's box."""
    (face,) = Predictor(detector="haar")(astronaut)
    return face.points


def turned(image: Image, points: Points, degrees: float) -> tuple[Image, Points]:
    """An image turned clockwise about its middle, in a square as wide as its diagonal."""
    height, width = image.shape[:2]
    side = int(np.hypot(height, width)) + 1
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    matrix[:, 2] += [(side - width) / 2, (side - height) / 2]
    there = points @ matrix[:, :2].T + matrix[:, 2]
    return cv2.warpAffine(image, matrix, (side, side)), there.astype(np.float32)


def eye_distance(points: Points) -> float:
    return float(np.linalg.norm(points[36] - points[45]))


@pytest.mark.parametrize("degrees", [0, 40, 90, 135, 180, 250, 320])
def test_a_face_at_any_angle_gets_the_points_of_the_upright_one(
    predictor, astronaut, upright, degrees
):
    image, expected = turned(astronaut, upright, degrees)
    (face,) = predictor(image)
    apart = np.linalg.norm(face.points - expected, axis=1).mean()
    assert apart < 0.05 * eye_distance(upright)


def test_the_roll_is_told_and_the_box_is_that_of_the_turned_face(predictor, astronaut, upright):
    image, expected = turned(astronaut, upright, 90)
    (face,) = predictor(image)
    assert abs(face.roll - 90) < 20 and face.to_dict()["roll"] == round(face.roll, 1)
    middle = (expected.min(axis=0) + expected.max(axis=0)) / 2
    x, y, side, _ = face.box
    assert np.linalg.norm([x + side / 2, y + side / 2] - middle) < 0.3 * side


def on_grey(head: Image, side: int, at: tuple[int, int], size: tuple[int, int]) -> Image:
    """A grey picture with the astronaut's head, whose face has this side, its middle at a place."""
    small = cv2.resize(head, None, fx=side / 103, fy=side / 103, interpolation=cv2.INTER_AREA)
    picture = np.full((size[1], size[0]), 120, np.uint8)
    x, y = at[0] - small.shape[1] // 2, at[1] - small.shape[0] // 2
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


@pytest.mark.parametrize("at", [(60, 60), (576, 576), (640, 400), (1100, 1000), (2300, 1500)])
def test_a_small_face_is_found_wherever_tiles_meet(astronaut, at):
    head = to_grey(astronaut)[20:230, 110:330]
    picture = on_grey(head, 32, at, (2400, 1600))
    found = open_neural(1).search(picture, 20)
    assert found.detections and found.min_face == 20
    x, y, side, _ = found.detections[0].box
    assert abs(x + side / 2 - at[0]) < 12 and abs(y + side / 2 - at[1]) < 20
    assert 20 < side < 48


def test_no_more_than_a_tile_goes_through_the_network_at_once():
    network, _ = open_detector(DETECTOR, 1)
    shapes = []

    def watched(grey: Image) -> list[np.ndarray]:
        shapes.append(grey.shape)
        return network(grey)

    find(watched, np.zeros((2000, 3000), np.uint8), 0.5, 1.0)
    assert len(shapes) > 10 and max(map(max, shapes)) <= TILE
    covered = sum(height * width for height, width in shapes)
    assert covered > 2000 * 3000


def test_faces_below_the_smallest_that_was_asked_for_are_left_out(astronaut):
    grey, search = to_grey(astronaut), open_neural(1).search
    face = search(grey, 60).detections[0]  # the surest
    side = face.box[2]
    larger = search(grey, side + 10).detections
    assert face.score > 0.6 > max((d.score for d in larger), default=0.0)
    assert all(d.box[2] >= side + 10 for d in larger)
    assert search(grey, None).min_face == 13  # 8 * 512 / 320
    assert open_neural(1).default_min_face(grey) == -(-SMALLEST_FACE * 512 // DEFAULT_SIDE)


def test_every_pixel_of_a_large_photo_counts_for_what_the_network_sees():
    network, info = open_detector(DETECTOR, 1)
    grey = np.random.default_rng(0).integers(0, 256, (2048, 5120), np.uint8)
    seen = []
    find(lambda tile: seen.append(tile) or network(tile), grey, info.min_score, 1 / 16)
    means = grey.reshape(128, 16, 320, 16).mean(axis=(1, 3))
    assert np.abs(seen[0] - means).max() < 1.5 and np.abs(means - 127.5).std() > 2


def test_a_photo_of_small_faces_is_looked_at_more_closely(astronaut):
    """Twice as large, but no larger than it is."""
    head, search = to_grey(astronaut)[20:230, 110:330], open_neural(1).search
    for longer, least in ((1280, 16), (480, 8)):
        far = on_grey(head, round(0.09 * longer), (longer // 2, longer // 3), (longer, longer // 2))
        near = on_grey(head, round(0.2 * longer), (longer // 2, longer // 4), (longer, longer // 2))
        assert (search(far, None).min_face, search(near, None).min_face) == (
            least,
            -(-SMALLEST_FACE * longer // DEFAULT_SIDE),
        )


def certain(detector_scores: list[float], face: Face, side: int) -> list[Detection]:
    """Detections of these scores: the first frames the face, the others, of this side, what is
    none."""
    places = [Frame(face.box), *(Frame((10, 250 + 20 * i, side, side)) for i in range(9))]
    return [Detection(*pair) for pair in zip(places, detector_scores, strict=False)]


@pytest.mark.parametrize(
    ("scores", "side", "examined"),
    [
        ([0.9, 0.55, 0.5, 0.4], 45, 2),  # certainties 0.95, 0.74, 0.71, 0.63: of 0.71 and more
        ([0.9, 0.55, 0.5, 0.4], 220, 2),
        ([0.9, 0.55, 0.5, 0.4], 90, 4),
        ([0.5, 0.45, 0.4, 0.36], 45, 4),
        ([0.9], 45, 1),
    ],
)
def test_what_is_far_less_sure_than_a_face_and_not_of_its_size_is_not_examined(
    predictor, astronaut, monkeypatch, scores, side, examined
):
    (face,) = predictor(astronaut)
    monkeypatch.setattr("fkd.inference.looks.SURE", 1.1)  # no crops turned by quarters
    seen = []
    searched = dataclasses.replace(
        predictor.pipeline,
        detector=dataclasses.replace(
            predictor.pipeline.detector,
            search=lambda grey, min_face: Search(certain(scores, face, side), 1),
        ),
        model=lambda pixels: seen.append(len(pixels)) or predictor.pipeline.model(pixels),
    )
    found = searched.search(to_grey(astronaut), StepTimer())
    assert len(found.faces) == 1 and sum(seen) == examined


def test_a_face_that_passes_at_a_wrong_angle_is_looked_at_in_the_others(predictor, astronaut):
    (face,) = predictor(astronaut)
    wrong = Detection(Frame(face.box, 107.0), 0.9)
    pipeline = predictor.pipeline

    def lenient(pixels: np.ndarray) -> ModelOutput:
        """The network, to which everything is at least somewhat a face."""
        output = pipeline.model(pixels)
        return output._replace(score=np.maximum(output.score, 0.35))

    detector = dataclasses.replace(pipeline.detector, search=lambda *_: Search([wrong], 1))
    searched = dataclasses.replace(pipeline, detector=detector, model=lenient)
    (found,) = searched.search(to_grey(astronaut), StepTimer()).faces
    apart = np.linalg.norm(found.points - face.points, axis=1).mean()
    assert abs(found.roll) < 30 and apart < 0.05 * eye_distance(face.points)


def test_where_the_surest_is_no_face_the_others_are_examined(predictor, astronaut):
    (face,) = predictor(astronaut)
    first, *others = certain([0.4, 0.95], face, 90)
    search = lambda grey, min_face: Search([*others, first], 1)  # noqa: E731
    detector = dataclasses.replace(predictor.pipeline.detector, search=search)
    searched = dataclasses.replace(predictor.pipeline, detector=detector)
    (found,) = searched.search(to_grey(astronaut), StepTimer()).faces
    assert np.linalg.norm(found.points - face.points, axis=1).mean() < 0.05 * eye_distance(
        face.points
    )


def test_a_crowd_of_small_faces_is_found_without_asking(predictor, astronaut):
    """Where the search at the default size finds none, it goes on."""
    head = to_grey(astronaut)[20:230, 110:330]
    picture = np.full((1080, 1920), 120, np.uint8)
    for i in range(10):
        small = cv2.resize(head, None, fx=32 / 103, fy=32 / 103, interpolation=cv2.INTER_AREA)
        x, y = 100 + 180 * i, 200 + 60 * i
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    assert len(predictor(picture)) == 10


def test_a_face_that_turns_over_in_a_video_keeps_its_id(predictor, astronaut, upright):
    tracker = Tracker(predictor)
    for degrees in range(0, 360, 8):
        image, expected = turned(astronaut, upright, degrees)
        (face,) = tracker(image)
        apart = np.linalg.norm(face.points - expected, axis=1).mean()
        assert face.id == 1 and apart < 0.12 * eye_distance(upright), degrees


def test_the_environment_names_the_default_and_the_option_overrules_it(monkeypatch):
    monkeypatch.delenv("FKD_DETECTOR", raising=False)
    assert Predictor().detector == "haar"
    monkeypatch.setenv("FKD_DETECTOR", "neural")
    assert Predictor().detector == "neural" and Predictor(detector="haar").detector == "haar"
    window = [
        json.loads(CliRunner().invoke(app, ["infer", str(ASTRONAUT), "--json", *options]).stdout)[
            "min_face"
        ]
        for options in ([], ["--detector", "haar"])
    ]
    assert window == [13, 56]
    monkeypatch.setenv("FKD_DETECTOR", "dlib")
    with pytest.raises(ValueError, match="FKD_DETECTOR 'dlib' is not one of haar, neural, none"):
        Predictor()
    done = CliRunner().invoke(app, ["infer", str(ASTRONAUT), "--json"])
    assert done.exit_code == 2 and "FKD_DETECTOR" in done.stderr


def test_a_file_names_a_detector_of_ones_own(astronaut, tmp_path):
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(DETECTOR.read_bytes())
    (face,), (packaged,) = (Predictor(detector=str(of))(astronaut) for of in (mine, "neural"))
    assert np.array_equal(face.points, packaged.points)
    with pytest.raises(ModelError, match=r"gone\.onnx: no such detector; give haar, neural or"):
        Predictor(detector="gone.onnx")
    done = CliRunner().invoke(app, ["infer", str(ASTRONAUT), "--detector", str(PACKAGED["base"])])
    assert done.exit_code == 2 and "base.onnx: not a face detector" in done.stderr


def test_it_needs_no_torch(tmp_path):
    program = "import sys; sys.modules['torch'] = None; import fkd.__main__ as m; m.app()"
    command = [sys.executable, "-c", program, "infer", str(ASTRONAUT), "--detector", "neural"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path)], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0 and "1 face" in done.stdout, done.stderr


def test_fkd_info_tells_what_the_packaged_detector_was_trained_on():
    told = CliRunner().invoke(app, ["info", "detector"]).stdout
    about = json.loads(CliRunner().invoke(app, ["info", "detector", "--json"]).stdout)
    assert about["about"]["trained_on"] == "synthetic scenes, free" and 0 < about["min_score"] < 1
    assert about["about"]["weights_licence"] == about["about"]["code_licence"] == "MIT"
    assert "trained on synthetic scenes, free" in told and "0.4 MB" in told
    assert about["scores"]["scenes"]["faces"] > 100
    assert DETECTOR.stat().st_size < 500_000


@pytest.mark.parametrize(
    ("command", "default"),
    [("infer", "haar"), ("label", "haar"), ("video", "neural"), ("serve", "neural")],
)
def test_each_command_has_its_default_detector(command, default, monkeypatch):
    monkeypatch.delenv("FKD_DETECTOR", raising=False)
    text = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"[default: {default}]" in " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


def test_fkd_score_takes_the_detector_and_refuses_none(astronaut, upright, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("a", "b", "c"):
        cv2.imwrite(str(folder / f"{name}.png"), astronaut[::-1, ::-1])
        (folder / f"{name}.pts").write_text(format_pts(511 - upright))

    def scored(detector: str) -> dict:
        asked = ["score", str(folder), "--all", "--json", "--detector", detector]
        return json.loads(CliRunner().invoke(app, asked).stdout)["mine"]

    assert scored("haar")["end_to_end"]["recall"] == 0.0
    found = scored("neural")
    assert found["end_to_end"]["recall"] == 1.0 and found["end_to_end"]["nme"] < 3
    refused = CliRunner().invoke(app, ["score", str(folder), "--detector", "none"])
    assert refused.exit_code == 2 and "name haar or neural" in refused.stderr


def test_quarter_turns_do_not_go_beyond_the_bound_of_detections(predictor, astronaut, monkeypatch):
    monkeypatch.setattr("fkd.inference.pipeline.MAX_DETECTIONS", 40)
    walls = [Detection(Frame((300 + i, 300, 100, 100)), 0.5) for i in range(30)]
    pipeline, seen = predictor.pipeline, []
    doubtful = dataclasses.replace(
        pipeline.detector, search=lambda grey, min_face: Search(walls, min_face or 13)
    )
    watched = dataclasses.replace(
        pipeline,
        detector=doubtful,
        model=lambda pixels: seen.append(len(pixels)) or pipeline.model(pixels),
    )
    assert watched.search(to_grey(astronaut), StepTimer(), 13).faces == []
    assert 30 < sum(seen) <= 40


def test_a_detectors_file_is_no_landmark_model():
    told = CliRunner().invoke(app, ["info", str(DETECTOR)])
    assert told.exit_code == 2 and told.stderr.endswith(": finds faces, and no points in them\n")
