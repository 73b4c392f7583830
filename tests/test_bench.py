"""The bench's arithmetic on constructed answers."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import report
from bench.degradation import (
    BOX_LEVELS,
    PICTURE_LEVELS,
    about_face,
    changed_box,
    degraded,
    moved,
    moved_box,
    turned,
)
from bench.detectors.__main__ import programs_of
from bench.detectors.peers import as_rows
from bench.detectors.score import Figures, figures
from bench.detectors.sets import Labelled, PictureSet, picture_sets
from bench.detectors.sets import turned as turned_picture
from bench.exchange import BenchError, Job, answer, answers, jobs, write_jobs, write_pictures
from bench.faces import bias_of, found_by_all, labelled_sets, matching, nearest_of, score
from bench.pose import aligned_rotations, rotations, told
from bench.programs import Program, Start, own, peer
from bench.robustness import LEVELS, as_lines, boxes_at
from fkd.geometry.alignment import eye_frame
from fkd.geometry.pose import Pose, pose_of, rotation_of
from fkd.io.pts import format_pts


@pytest.fixture
def truth(faces) -> list[np.ndarray]:
    return [face.points.astype(float) for face in faces]


def test_a_programs_answers_come_back_face_by_face(tmp_path):
    pictures = [np.full((8, 9, 3), i, np.uint8) for i in range(3)]
    names = write_pictures(tmp_path, pictures)
    write_jobs(tmp_path, [Job(names[2], None), Job(names[0], (1, 2, 3, 4)), Job(names[1], None)])
    assert [(image[0, 0, 0], box) for image, box in jobs(tmp_path)] == [
        (2, None),
        (0, (1, 2, 3, 4)),
        (1, None),
    ]

    def as_many_as_its_grey(image, box):
        return np.arange(image[0, 0, 0] * 136.0).reshape(-1, 68, 2)

    answer(tmp_path, as_many_as_its_grey, tmp_path / "answers.npz")
    assert [len(points) for points in answers(tmp_path / "answers.npz")] == [2, 0, 1]


def test_the_answer_that_lies_on_the_face_is_its_own_and_one_beside_it_is_not(truth):
    side = np.ptp(truth[0], axis=0).max()
    beside, huge, near = truth[0] + [side, 0], truth[0] * 2, truth[0] + [0.1 * side, 0]
    np.testing.assert_array_equal(matching(np.array([beside, near, huge]), truth[0]), near)
    assert matching(np.array([beside]), truth[0]) is None
    assert matching(np.zeros((0, 68, 2)), truth[0]) is None


def test_only_faces_that_every_program_found_are_compared():
    one, none = np.zeros((68, 2)), None
    assert found_by_all([[one, none, one], [one, one, none]]).tolist() == [True, False, False]
    with pytest.raises(BenchError, match="found by every program"):
        score([one], [one], one, np.zeros(1, bool))


def test_of_two_answers_on_a_face_the_one_of_its_size_is_taken(truth):
    nose = truth[0][27:36]
    small = np.resize(nose, (68, 2))
    np.testing.assert_array_equal(matching(np.array([small, truth[0] + 3]), truth[0]), truth[0] + 3)


def test_fewer_pixels_leave_everything_where_it_is(faces):
    """A ramp across a picture of odd size, shrunk to a sixth and enlarged again."""
    ramp = np.repeat(np.linspace(0, 255, 101).round().astype(np.uint8)[None], 97, axis=0)
    picture = np.stack([ramp] * 3, axis=-1)
    points = np.array([[10.0, 10.0], [91.0, 90.0]])
    fewer = degraded("face side, pixels", 14, picture, points, _rng())
    assert np.abs(fewer[20:-20, 20:-20].astype(int) - picture[20:-20, 20:-20]).max() <= 3


def test_a_miss_lowers_what_is_found_and_not_the_error(truth):
    eyes = np.array([np.linalg.norm(t[36] - t[45]) for t in truth])
    off = [t + [0.05 * eye, 0] for t, eye in zip(truth, eyes, strict=True)]
    found = [None, *off[1:]]
    of = score(found, truth, np.zeros((68, 2)), found_by_all([found, off]))
    assert of.faces == len(truth) and of.found == pytest.approx(100 * (1 - 1 / len(truth)))
    assert of.nme == pytest.approx(5.0, abs=1e-3)


def test_a_bias_that_is_the_same_on_every_face_is_taken_out(truth):
    """Points moved by one offset in the frame of the eyes: all of the error, and none once it is
    known from other faces."""
    bias = np.zeros((68, 2))
    bias[:17] = [0.0, 0.08]
    shifted = []
    for t in truth:
        framed = eye_frame(t) + bias
        basis = np.linalg.lstsq(np.c_[eye_frame(t), np.ones(68)], t, rcond=None)[0]
        shifted.append(np.c_[framed, np.ones(68)] @ basis)
    learned = bias_of(list(shifted[:8]), truth[:8])
    np.testing.assert_allclose(learned, bias, atol=1e-6)
    of = score(list(shifted[8:]), truth[8:], learned, np.ones(len(truth) - 8, bool))
    assert of.nme > 0.8 and of.aligned < 1e-3


def test_the_nearest_vertices_of_a_shuffled_mesh_are_found(truth):
    order = np.random.default_rng(1).permutation(68)
    meshes = [np.concatenate([t[order] + 0.2, t.mean(axis=0) + np.zeros((5, 2))]) for t in truth]
    assert nearest_of([None, *meshes[1:]], truth) == np.argsort(order).tolist()


def test_no_degradation_at_the_first_level_and_a_change_at_all_others(faces):
    face = faces[0]
    picture = np.stack([face.grey] * 3, axis=-1)
    for axis, levels in PICTURE_LEVELS.items():
        for level in levels:
            rng = np.random.default_rng(0)
            if axis.startswith("turn"):
                changed = turned(picture, about_face(face.points, level))
            else:
                changed = degraded(axis, level, picture, face.points, rng)
            assert changed.shape == picture.shape and changed.dtype == np.uint8
            side = np.ptp(face.points, axis=0).max()
            same = level == levels[0] or (axis.startswith("face side") and level > side)
            assert (changed == picture).all() == same, (axis, level)


def test_places_and_boxes_turn_with_the_picture(faces):
    face = faces[0]
    dark = np.zeros((*face.grey.shape, 3), np.uint8)
    x, y = face.points[30].round().astype(int)
    dark[y - 2 : y + 3, x - 2 : x + 3] = 255
    transform = about_face(face.points, 30)
    picture = turned(dark, transform)
    rows, columns = np.nonzero(picture[..., 0] > 100)
    place = moved(np.array([x, y], float), transform)
    np.testing.assert_allclose([columns.mean(), rows.mean()], place, atol=0.5)
    box = moved_box((x - 10, y - 10, 20, 20), transform)
    np.testing.assert_allclose([box[0] + 10, box[1] + 10], place, atol=1)


def test_a_shifted_box_lies_as_far_away_as_it_says():
    for level in BOX_LEVELS["box shift, box sides"]:
        x, y, *size = changed_box("box shift, box sides", level, (50, 60, 200, 200), _rng())
        assert np.hypot(x - 50, y - 60) == pytest.approx(200 * level, abs=1) and size == [200, 200]
    assert changed_box("box scale", 0.7, (50, 60, 200, 200), _rng()) == (80, 90, 140, 140)
    assert boxes_at("JPEG quality", 4, [], [(1, 2, 3, 3)]) == [(1, 2, 3, 3)]


def _rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_curves_run_from_low_to_high():
    values = [float(level) for level in LEVELS["box scale"]]
    levels, line = as_lines("box scale", {"x": values})["x"]
    assert line == sorted(values) == [float(level) for level in levels]


def test_the_tables_name_every_program_and_set(truth):
    of = score(truth[:2], truth[:2], np.zeros((68, 2)), np.ones(2, bool))
    text = report.accuracy({"base": {"300w": of}}, {"base": "a note"})
    assert "| `base` | 0.00 (0.00), 100.0 % | a note |" in text and "300w (2)" in text
    text = report.speed(
        {"dlib": {1: {"points": 0.5}, 2: {"points": 0.25}}}, {"dlib": Start(1, 2, 3)}
    )
    assert "| `dlib` | - / - | 0.50 / 0.25 | - / - | - / - | - / - | 1.00 | 2 | 3.0 |" in text


def test_a_program_that_fails_is_named_with_its_last_words(tmp_path):
    with pytest.raises(BenchError, match="nobody answer: "):
        own("nobody").answer(tmp_path)


def test_a_python_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BenchError, match="gone/python: no such file"):
        peer("dlib", tmp_path / "gone" / "python").answer(tmp_path)


def test_a_packaged_model_answers_and_is_timed_in_its_own_process(tmp_path, astronaut):
    names = write_pictures(tmp_path, [astronaut])
    write_jobs(tmp_path, [Job(names[0], None), Job(names[0], (175, 65, 100, 100))])
    program: Program = own("base")
    first, second = program.answer(tmp_path)
    assert first.shape == second.shape == (1, 68, 2)
    assert np.abs(first - second).mean() < 3
    start = program.cold_start(tmp_path)
    assert start.file == pytest.approx(8.1, abs=0.2) and 30 < start.memory < 400
    assert own("boxes").answer(tmp_path)[0].shape[1:] == (2, 2)


def test_the_sets_of_the_bench_are_those_of_fkd_score(real_300w, params):
    sets = labelled_sets(Path(real_300w), params.prepare)
    (name,) = (name for name in sets if not name.endswith("/train"))
    assert len(sets[name]) == 554
    assert not any("testset" in sample.name for sample in sets[f"{name}/train"])


def test_pictures_without_a_face_come_back_empty(tmp_path):
    write_jobs(tmp_path, [Job(write_pictures(tmp_path, [np.zeros((8, 9, 3), np.uint8)])[0], None)])
    answer(tmp_path, lambda image, box: np.zeros((0, 4)), tmp_path / "answers.npz")
    assert [rows.shape for rows in answers(tmp_path / "answers.npz")] == [(0, 4)]


def test_the_faces_of_a_turned_picture_are_those_of_its_turned_points(tmp_path, faces):
    """Counter-clockwise by a quarter the pixel (x, y) comes to (y, W - 1 - x)."""
    face = faces[0]
    for name, grey, points in (
        ("upright", face.grey, face.points),
        (
            "turned",
            cv2.rotate(face.grey, cv2.ROTATE_90_COUNTERCLOCKWISE),
            np.stack([face.points[:, 1], face.grey.shape[1] - 1 - face.points[:, 0]], axis=1),
        ),
    ):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), grey)
        (tmp_path / name / "a.pts").write_text(format_pts(points))
    (turned_along,) = PictureSet(tmp_path / "upright", 1).pictures()
    (labelled,) = PictureSet(tmp_path / "turned").pictures()
    np.testing.assert_array_equal(turned_along.image, labelled.image)
    np.testing.assert_allclose(turned_along.faces, labelled.faces, atol=0.2)


def test_four_quarters_are_none():
    picture = Labelled(np.arange(60, dtype=np.uint8).reshape(4, 5, 3), np.array([[1.0, 2, 3]]))
    for before, after in zip(picture, turned_picture(picture, 4), strict=True):
        np.testing.assert_array_equal(before, after)


def test_each_folder_is_a_set_and_one_is_turned_too(tmp_path):
    for name in ("helen", "lfpw"):
        (tmp_path / name).mkdir()
    assert picture_sets(tmp_path, "lfpw") == {
        "helen": (tmp_path / "helen", 0),
        "lfpw": (tmp_path / "lfpw", 0),
        "lfpw turned 90": (tmp_path / "lfpw", 1),
        "lfpw turned 180": (tmp_path / "lfpw", 2),
    }
    assert list(picture_sets(tmp_path, "")) == ["helen", "lfpw"]
    with pytest.raises(BenchError, match="no set 'afw'"):
        picture_sets(tmp_path, "afw")
    with pytest.raises(BenchError, match="gone: no such folder"):
        picture_sets(tmp_path / "gone", "")


def test_a_peers_box_is_the_square_of_its_area_about_its_middle_pixel():
    np.testing.assert_allclose(as_rows([(10, 20, 5, 5)], [0.7]), [[12, 22, 5, 0.7]])
    np.testing.assert_allclose(as_rows([(0, 0, 4, 9)], [0.5])[0, 2], 6)
    assert as_rows([], []).shape == (0, 4)


def test_recall_is_told_at_the_false_boxes_allowed_whatever_the_order_of_the_boxes():
    """A hundred pictures of one face: the sure half is found, then two false boxes come, then the
    rest is found but for ten."""
    face = np.array([[50.0, 50, 20]])
    hit, miss = (50, 50, 20), (10, 10, 20)
    found = [np.array([(*hit, 0.9 if i < 50 else 0.4)]) for i in range(90)] + 10 * [
        np.zeros((0, 4))
    ]
    found[0] = np.array([(*miss, 0.5), *found[0]])
    found[1] = np.array([(*miss, 0.6), *found[1]])
    of = figures(found, [face] * 100)
    assert of.faces == 100
    assert of.recall == pytest.approx({0.01: 50, 0.05: 90})
    assert of.average_precision == pytest.approx(50 + 40 * 90 / 92)


def test_figures_that_are_kept_leave_those_of_another_comparison(tmp_path):
    report.keep(tmp_path / "new", accuracy=[1])
    report.keep(tmp_path / "new", detectors={"milliseconds": 2})
    report.keep(tmp_path / "new", detectors={"accuracy": 3})
    kept = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert kept == {"accuracy": [1], "detectors": {"accuracy": 3}}


def test_the_table_of_detectors_has_a_line_for_each_and_a_column_for_each_set():
    of = {"fddb": Figures(7, {0.01: 50.0, 0.05: 75.0}, 80.04)}
    times = {"haar+base": {"detect": 1.5, "photo": 2.25}, "mtcnn": {"detect": 90.0}}
    text = report.detectors(times, {"haar+base": of, "mtcnn": of})
    assert "| fddb (7) |" in text
    assert "| `haar+base` | 1.50 | 2.25 | 50.0 / 75.0, 80.0 |" in text
    assert "| `mtcnn` | 90.00 | - | 50.0 / 75.0, 80.0 |" in text


def test_a_detector_whose_file_is_not_given_is_left_out_with_a_word(tmp_path, capsys):
    assert "yunet" not in programs_of(tmp_path, "")
    assert "yunet is left out" in capsys.readouterr().out
    assert programs_of(tmp_path, "a.onnx")["yunet"].name == "a.onnx"
    assert not capsys.readouterr().out


def test_a_detector_finds_the_face_in_its_own_process_with_and_without_points(tmp_path, astronaut):
    """Its box is (172, 61, 107, 107); the square about its points is centred lower."""
    write_jobs(tmp_path, [Job(write_pictures(tmp_path, [astronaut])[0], None)])
    for name in ("haar", "haar+base"):
        program = Program(Path(sys.executable), "bench.detectors.ours", name)
        (rows,) = program.answer(tmp_path)
        best = rows[rows[:, 3].argmax()] if name == "haar+base" else rows[0]
        np.testing.assert_allclose(best[:3], [226, 131, 107], atol=4)
    assert rows[:, 3].max() > 0.9


def test_poses_of_meshes_are_those_they_were_turned_by():
    rng = np.random.default_rng(1)
    poses = [Pose(*rng.uniform(-40, 40, 3)) for _ in range(30)]
    mesh, frame = rng.normal(size=(90, 3)), rotation_of(Pose(3.0, -12.0, 5.0))
    meshes = np.array([mesh @ (rotation_of(pose) @ frame).T * 70 + 200 for pose in poses])
    turned = aligned_rotations(poses, rotations(meshes))
    assert np.allclose([pose_of(rotation) for rotation in turned], poses, atol=0.01)
    assert told(poses, meshes).startswith("yaw 0.0 degrees apart (correlation 1.000)")
    shuffled = poses[1:] + poses[:1]
    assert float(told(shuffled, meshes).split()[1]) > 10
