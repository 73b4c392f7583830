"""Photo in, faces out: the packaged model on a real photo, and what the API promises."""

import dataclasses
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import onnxruntime
import pytest
from conftest import ASTRONAUT, PROJECT

import fkd
from fkd import Predictor, Tracker
from fkd.detection.detections import Detection, Search
from fkd.evaluation.scoring import face_crops, predict
from fkd.geometry.boxes import iou, reference_box
from fkd.geometry.crop import to_grey
from fkd.geometry.roll import Frame
from fkd.inference.face import Face
from fkd.inference.pipeline import BATCH_SIZE, MIN_REFINED_SCORE, WELL_ALIGNED_IOU, Pipeline
from fkd.inference.records import frame_record, photo_record
from fkd.io.images import ImageError, Picture
from fkd.models.metadata import ModelError
from fkd.training.augment import augmented_crop

# Read off the photo by eye: subject's right and left eye, nose tip, mouth, chin.
SEEN = {
    "right eye": (204, 101),
    "left eye": (246, 103),
    "nose": (223, 127),
    "mouth": (223, 147),
    "chin": (224, 178),
}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture(scope="module")
def face(predictor, astronaut) -> Face:
    (found,) = predictor(astronaut)
    return found


def searching(found, **options) -> Predictor:
    """A predictor whose detector finds this list, or what this function of the smallest face says,
    and searches down to 28 pixels by default: 5.5 % of the astronaut's photo."""
    predictor = Predictor(**options)
    find = found if callable(found) else lambda min_face: found

    def detector(grey, min_face):
        return Search(find(min_face), min_face or 28)

    predictor.pipeline = with_search(predictor, detector)
    return predictor


def with_search(predictor: Predictor, search) -> Pipeline:
    """The predictor's pipeline with another search."""
    detector = dataclasses.replace(predictor.pipeline.detector, search=search)
    return dataclasses.replace(predictor.pipeline, detector=detector)


def watching(predictor: Predictor) -> tuple[Predictor, list[int], list[int | None]]:
    """A predictor like this one, the sizes of the batches that its network gets, and the smallest
    faces that its detector is asked for."""
    batches, asked = [], []
    pipeline, watched = predictor.pipeline, Predictor(detector=predictor.detector)
    watched.pipeline = dataclasses.replace(
        with_search(
            predictor,
            lambda grey, least: asked.append(least) or pipeline.detector.search(grey, least),
        ),
        model=lambda pixels: batches.append(len(pixels)) or pipeline.model(pixels),
    )
    return watched, batches, asked


def full_hd(astronaut: np.ndarray, sides: list[int]) -> np.ndarray:
    """A grey frame of 1920x1080 with the astronaut's head beside itself, faces of these sides."""
    frame = np.full((1080, 1920, 3), 120, np.uint8)
    head = astronaut[20:230, 110:330]  # a face of 103 px
    for i, side in enumerate(sides):
        small = cv2.resize(head, None, fx=side / 103, fy=side / 103, interpolation=cv2.INTER_AREA)
        frame[400 : 400 + small.shape[0], 250 * i + 60 :][:, : small.shape[1]] = small
    return frame


def test_one_predictor_in_several_threads_finds_what_it_finds_in_one(predictor, astronaut):
    """On photos of other sizes and places of the face, which a shared cascade mixes up."""
    photos = [np.roll(astronaut[: 300 + 20 * i], 30 * i, axis=1) for i in range(8)]
    alone = [predictor(photo) for photo in photos]
    assert all(len(faces) >= 1 for faces in alone)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(predictor, 5 * photos))
    for faces, expected in zip(together, 5 * alone, strict=True):
        assert [face.box for face in faces] == [face.box for face in expected]
        for face, other in zip(faces, expected, strict=True):
            np.testing.assert_array_equal(face.points, other.points)
            assert face.score == other.score


def test_many_boxes_go_through_the_network_in_batches_and_get_the_points_of_each_alone(
    predictor, astronaut, face
):
    x, y, width, height = face.box
    boxes = [(x + i % 7, y + i // 7, width, height) for i in range(2 * BATCH_SIZE + 3)]
    watched, fed, _ = watching(predictor)
    found = watched(astronaut, boxes=boxes)
    assert fed == [BATCH_SIZE, BATCH_SIZE, 3]
    for one, box in zip(found, boxes, strict=True):
        (alone,) = predictor(astronaut, boxes=[box])
        np.testing.assert_allclose(one.points, alone.points, atol=1e-4)
        assert one.box == box and one.score == pytest.approx(alone.score, abs=1e-5)


def test_detections_beyond_the_bound_are_not_examined_and_the_answer_says_how_many(
    predictor, astronaut, face, monkeypatch
):
    monkeypatch.setattr("fkd.inference.pipeline.MAX_DETECTIONS", 20)
    wall = Detection(Frame((300, 300, 100, 100)))
    crowd = searching([Detection(Frame(face.box))] + 30 * [wall])
    analysis = crowd.analyse(astronaut)
    assert [one.box for one in analysis.faces] == [face.box] and analysis.detections_skipped == 11
    record = photo_record("a.png", Picture(astronaut), analysis, "base", "onnx")
    assert record["detections_skipped"] == 11
    assert predictor.analyse(astronaut).detections_skipped == 0
    tracker = Tracker(crowd)
    faces = tracker(astronaut)
    assert frame_record(0, 0.0, faces, tracker.detections_skipped)["detections_skipped"] == 11


MEMORY_OF_A_CROWD = """
import resource, numpy as np
from fkd import Predictor
predictor = Predictor(threads=1)
photo = np.random.default_rng(0).integers(0, 256, (600, 600), np.uint8)

def megabytes():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6

predictor(photo, boxes=[(0, 0, 200, 200)])
before = megabytes()
predictor(photo, boxes=[(i, i, 200, 200) for i in range(300)])
print(megabytes() - before)
"""


def test_a_picture_of_hundreds_of_faces_leaves_little_memory_taken():
    """Of 300 faces at once, onnxruntime kept half a gigabyte."""
    command = [sys.executable, "-c", MEMORY_OF_A_CROWD]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert float(done.stdout) < 100


def test_a_face_that_two_boxes_frame_is_one_face(predictor, astronaut):
    twice = [Detection(Frame((175, 65, 100, 100))), Detection(Frame((165, 58, 118, 118)))]
    (face,) = searching(twice)(astronaut)
    both = predictor(astronaut, boxes=[found.box for found in twice])
    assert len(both) == 2 and face.score == max(one.score for one in both)


def test_a_badly_placed_box_is_predicted_again_where_its_points_are(
    predictor, astronaut, monkeypatch
):
    """At a threshold that the first prediction misses and the refined one reaches."""
    beside = Detection(Frame((190, 90, 70, 70)))
    (first,) = predictor(astronaut, boxes=[beside.box])
    (second,) = predictor(astronaut, boxes=[reference_box(first.points)])
    assert MIN_REFINED_SCORE < first.score < second.score
    halfway = searching([beside], min_score=(first.score + second.score) / 2)
    (found,) = halfway(astronaut)
    assert found.score == pytest.approx(second.score, abs=1e-4)
    np.testing.assert_allclose(found.points, second.points, atol=0.01)
    monkeypatch.setattr("fkd.inference.pipeline.MIN_REFINED_SCORE", 1.0)
    assert halfway(astronaut) == []


@pytest.mark.parametrize("loose", [(137, 36, 107, 107), (147, 41, 157, 157)])
def test_a_face_in_a_loose_box_is_told_with_a_box_around_its_points(
    loose, predictor, face, astronaut
):
    """Though its score would do; and its points lie nearer to those of a good box."""
    (first,) = predictor(astronaut, boxes=[loose])
    assert first.score > predictor.min_score
    (found,) = searching([Detection(Frame(loose))])(astronaut)
    assert iou(loose, face.box) < WELL_ALIGNED_IOU < iou(found.box, face.box)
    before, after = (np.linalg.norm(one.points - face.points) for one in (first, found))
    assert after < before


def test_at_a_threshold_of_zero_nothing_is_dropped(astronaut):
    (nobody,) = searching([Detection(Frame((10, 10, 60, 60)))], min_score=0.0)(astronaut)
    assert nobody.score < MIN_REFINED_SCORE


def test_a_confident_false_box_does_not_hide_smaller_faces(astronaut):
    """It ends the detector's own search above the default."""
    wall = Detection(Frame((300, 300, 200, 200)))
    face = Detection(Frame((175, 65, 100, 100)))
    predictor = Predictor()

    def detector(grey, min_face):
        return Search([wall], 120) if min_face is None else Search([wall, face], min_face)

    predictor.pipeline = with_search(predictor, detector)
    analysis = predictor.analyse(astronaut)
    assert [found.box for found in analysis.faces] == [face.box] and analysis.min_face == 28


def test_seven_people_of_58_to_96_pixels_are_found_in_a_full_hd_frame(predictor, astronaut):
    """Two of them by chance, in loose boxes, at the default size of 106 pixels."""
    sides = [58, 64, 70, 77, 84, 90, 96]
    frame = full_hd(astronaut, sides)
    analysis = predictor.analyse(frame)
    assert 0 < len(predictor(frame, min_face=106)) < 7
    found = sorted(analysis.faces, key=lambda face: face.box[0])
    assert len(found) == 7 and analysis.min_face == 48
    for face, side in zip(found, sides, strict=True):
        assert abs(face.reference_box[2] - side) < 0.12 * side


def test_a_photo_without_a_face_is_searched_down_to_the_cascades_window(predictor):
    frame = np.full((1080, 1920), 120, np.uint8)
    watched, _, asked = watching(predictor)
    analysis = watched.analyse(frame)
    assert analysis.faces == [] and analysis.min_face == 24 and asked == [None, 48, 24]


def test_the_search_for_smaller_faces_ends_in_time_and_says_how_far_it_came(monkeypatch):
    """An octave takes four times as long as the one before, and is not begun when that is late."""
    monkeypatch.setattr("fkd.inference.pipeline.SMALLER_SECONDS", 1.0)
    asked = []

    def slow(grey, min_face):
        asked.append(min_face)
        time.sleep(0.22 if min_face == 48 else 0)
        return Search([], min_face or 106)

    predictor = Predictor()
    predictor.pipeline = with_search(predictor, slow)
    analysis = predictor.analyse(np.full((1080, 1920), 120, np.uint8))
    assert asked == [None, 48] and analysis.min_face == 48


def test_a_photo_with_a_face_of_the_default_size_is_searched_once(predictor, astronaut):
    watched, _, asked = watching(predictor)
    found = watched(full_hd(astronaut, [206]))
    assert len(found) == 1 and asked == [None]


def test_the_smallest_face_of_a_call_overrules_that_of_the_predictor(astronaut):
    large = Predictor(min_face=200)
    assert large(astronaut) == [] and large.analyse(astronaut).min_face == 200
    assert len(large(astronaut, min_face=60)) == 1
    assert large.analyse(astronaut, min_face=60).min_face == 60
    record = photo_record("a.png", Picture(astronaut), large.analyse(astronaut), "base", "onnx")
    assert record["min_face"] == 200
    assert large.analyse(astronaut, boxes=[(172, 61, 107, 107)]).min_face is None
    for wrong in (lambda: Predictor(min_face=0), lambda: large(astronaut, min_face=-3)):
        with pytest.raises(ValueError, match="min_face: a positive number of pixels expected, not"):
            wrong()


def test_a_path_gives_the_faces_of_its_photo(predictor, face):
    for path in (ASTRONAUT, str(ASTRONAUT)):
        (found,) = predictor(path)
        np.testing.assert_array_equal(found.points, face.points)
    with pytest.raises(ImageError, match=r"gone.jpg: no such file"):
        predictor("gone.jpg")


def test_a_list_gives_the_faces_of_each_photo_from_common_batches(predictor, astronaut):
    """Also of the photo without any, and of boxes that are predicted again."""
    wall = np.full((120, 160), 200, np.uint8)
    photos = [astronaut, wall, astronaut[:300], np.hstack([astronaut, astronaut])]
    alone = [predictor(photo) for photo in photos]
    assert [len(faces) for faces in alone] == [1, 0, 1, 2]
    watched, batches, _ = watching(predictor)
    together = watched(photos)
    assert len(batches) <= 2 and batches[0] >= 4
    for faces, expected in zip(together, alone, strict=True):
        assert [face.box for face in faces] == [face.box for face in expected]
        for one, other in zip(faces, expected, strict=True):
            np.testing.assert_allclose(one.points, other.points, atol=1e-3)
    assert predictor([]) == []
    assert [len(faces) for faces in predictor([str(ASTRONAUT)] * 17)] == [1] * 17
    with pytest.raises(ValueError, match="boxes: are of one photo"):
        predictor(photos, boxes=[(1, 1, 20, 20)])


def test_a_list_without_a_detector_gives_one_face_a_photo(face, astronaut):
    x, y, w, h = face.box
    cut = astronaut[y : y + h, x : x + w]
    alone = Predictor(detector="none")
    watched, batches, _ = watching(alone)
    first, second = watched([cut, cut[:, ::-1]])
    assert batches == [2] and (len(first), len(second)) == (1, 1)
    np.testing.assert_allclose(first[0].points, alone(cut)[0].points, atol=1e-3)


def test_the_astronauts_features_are_where_a_person_sees_them(face):
    points = face.points
    found = {
        "right eye": points[36:42].mean(axis=0),
        "left eye": points[42:48].mean(axis=0),
        "nose": points[30],
        "mouth": points[48:68].mean(axis=0),
        "chin": points[8],
    }
    eyes = np.linalg.norm(points[36] - points[45])
    for name, place in SEEN.items():
        assert np.linalg.norm(found[name] - place) < 0.12 * eyes, (name, found[name], place)


def test_the_crop_that_training_evaluates_is_the_one_that_inference_feeds(faces, params, predictor):
    """The classic fault of landmark projects, ruled out to the bit."""
    fed = []
    model = predictor.pipeline.model
    watched = Predictor(detector="none")
    watched.pipeline = dataclasses.replace(
        watched.pipeline, model=lambda pixels: fed.append(pixels) or model(pixels)
    )
    augment = params.train.augment
    still = augment.model_copy(update=dict.fromkeys(type(augment).model_fields, 0.0))
    for one in faces[:6]:
        watched(one.grey, boxes=[one.box])
        spec = watched.info.crop
        np.testing.assert_array_equal(fed[-1], face_crops([one], spec))
        trained, *_ = augmented_crop(one, spec, still, np.random.default_rng(0))
        np.testing.assert_array_equal(fed[-1][0, 0], trained)


def test_inference_and_evaluation_give_the_same_points(faces, predictor):
    one = faces[0]
    (found,) = predictor(one.grey, boxes=[one.box])
    expected = predict([one], [one.box], predictor.pipeline.model, predictor.info.crop)
    np.testing.assert_array_equal(found.points, expected.points[0])
    np.testing.assert_array_equal(found.confidence, expected.confidence[0])
    assert found.score == expected.score[0]


def test_given_boxes_are_answered_in_their_order_without_a_detector(predictor, face, astronaut):
    x, y, side, _ = face.box
    boxes = [(10, 300, 80, 80), face.box, (x + 4, y, side, side)]
    answered = predictor(astronaut, boxes=boxes)
    assert [f.box for f in answered] == boxes
    assert (
        answered[0].score < predictor.min_score < answered[1].score
    )  # a false box is answered too
    np.testing.assert_allclose(answered[1].points, face.points, atol=1e-3)
    assert predictor(astronaut, boxes=[]) == []


def test_a_moved_photo_moves_the_points(predictor, face, astronaut):
    padded = cv2.copyMakeBorder(astronaut, 40, 0, 70, 0, cv2.BORDER_REPLICATE)
    x, y, w, h = face.box
    (moved,) = predictor(padded, boxes=[(x + 70, y + 40, w, h)])
    np.testing.assert_allclose(moved.points, face.points + [70, 40], atol=1e-2)


def test_a_photo_twice_the_size_has_its_points_at_twice_the_place(predictor, face, astronaut):
    large = cv2.resize(astronaut, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    (twice,) = predictor(large, boxes=[tuple(2 * v for v in face.box)])
    eyes = np.linalg.norm(face.points[36] - face.points[45])
    apart = np.linalg.norm((twice.points - 0.5) / 2 - face.points, axis=1)
    assert apart.mean() < 0.03 * eyes


def test_grey_and_colour_give_the_same_points(predictor, face, astronaut):
    (grey,) = predictor(to_grey(astronaut))
    np.testing.assert_array_equal(grey.points, face.points)


def test_without_a_detector_the_whole_photo_is_the_face(face, astronaut):
    x, y, w, h = face.box
    cut = astronaut[y : y + h, x : x + w]
    (whole,) = Predictor(detector="none")(cut)
    assert whole.box == (0, 0, w, h)
    eyes = np.linalg.norm(face.points[36] - face.points[45])
    inner = slice(17, 60)  # chin and jaw reach below the box, into black
    assert np.linalg.norm(whole.points + [x, y] - face.points, axis=1)[inner].mean() < 0.1 * eyes


def test_a_picture_without_a_face_gives_an_empty_list(predictor):
    assert predictor(np.full((120, 160, 3), 200, np.uint8)) == []


def test_a_face_as_a_dictionary_is_plain_numbers_of_the_contracts_shape(face):
    plain = face.to_dict()
    told = {"box", "roll", "score", "points", "confidence", "visible", "depth", "pose"}
    assert set(plain) == told
    assert np.array(plain["points"]).shape == (68, 2) and isinstance(plain["box"][0], int)
    assert len(plain["confidence"]) == 68 and 0.9 < plain["score"] <= 1


def test_a_false_box_of_the_detector_is_dropped_unless_asked_for(astronaut, face):
    both = [Detection(Frame((300, 300, 200, 200))), Detection(Frame(face.box))]
    assert [one.box for one in searching(both)(astronaut)] == [face.box]
    found = searching(both, min_score=0.0)(astronaut)
    assert found[0].box == face.box and len(found) == 2  # highest score first
    assert all(other.score < 0.05 for other in found[1:])


def test_covered_points_have_less_confidence_than_visible_ones(predictor, face, astronaut):
    mouth = face.points[48:68]
    x, y = (int(v) for v in mouth.min(axis=0))
    width, height = (int(v) for v in np.ptp(mouth, axis=0))
    covered = astronaut.copy()
    cv2.rectangle(covered, (x - 8, y - 6), (x + width + 8, y + height + 6), (90, 90, 90), -1)
    (again,) = predictor(covered, boxes=[face.box])
    fell = face.confidence - again.confidence
    assert fell[48:68].mean() > 0.1 and fell[48:68].mean() > 3 * abs(fell[36:48].mean())


def test_a_face_cannot_be_changed(face):
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.score = 1.0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10, 3), np.float32),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10), np.uint8),
        np.zeros((2, 10, 10, 3), np.uint8),
    ],
)
def test_another_kind_of_image_is_refused_with_what_is_expected(predictor, image):
    with pytest.raises(ValueError, match=r"image: .* expected"):
        predictor(image)


def test_what_cv2_gives_for_an_unreadable_file_is_one_sentence(predictor, astronaut):
    with pytest.raises(ValueError, match=r"^image: is None; cv2.imread gives that for a file"):
        predictor(cv2.imread("gone.jpg"))
    with pytest.raises(ValueError, match=r"^image 1: is None"):
        predictor([astronaut, None])
    with pytest.raises(ValueError, match=r"image: a path, or uint8 .* expected, not bytes"):
        predictor(ASTRONAUT.read_bytes())


def test_a_face_is_shown_in_one_short_line(face):
    assert repr(face) == f"Face(box={face.box}, score={face.score:.2f})"
    followed = dataclasses.replace(face, score=None, id=3)
    assert repr(followed) == f"Face(box={face.box}, score=None, id=3)"


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="backend 'tensorrt' is not one of onnx, torch"):
        Predictor(backend="tensorrt")
    with pytest.raises(ValueError, match="detector 'dlib' is not one of haar, neural, none"):
        Predictor(detector="dlib")
    with pytest.raises(ModelError, match="no such model"):
        Predictor("missing.onnx")


def test_providers_are_onnxruntimes_and_unknown_ones_are_named(astronaut, face):
    (found,) = Predictor(providers=["CPU"])(astronaut)
    np.testing.assert_array_equal(found.points, face.points)
    with pytest.raises(ValueError, match=r"providers: 'Abacus' is not one of .*CPU"):
        Predictor(providers=["Abacus", "CPU"])
    with pytest.raises(ValueError, match="providers: are those of backend onnx, not of torch"):
        Predictor(backend="torch", providers=["CPU"])


def test_a_provider_reaches_onnxruntime_and_one_that_does_not_start_is_named(monkeypatch):
    """onnxruntime leaves it out without a word, as it does CUDA without its libraries."""
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    asked, real = [], onnxruntime.InferenceSession

    def session(path, sess_options, providers):
        asked.append(providers)
        return real(path, sess_options=sess_options, providers=names[1:])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    with pytest.raises(ModelError, match=r"CUDAExecutionProvider .* cannot be started"):
        Predictor(providers=["CUDA", "CPU"])
    assert asked == [names]


def test_importing_fkd_imports_nothing_heavy():
    code = "import sys, fkd; fkd.__version__; print(sorted(set(sys.modules) & HEAVY))"
    heavy = {"torch", "mlflow", "cv2", "onnxruntime", "matplotlib"}
    code = code.replace("HEAVY", str(heavy))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_those_of_all():
    assert fkd.__all__ == ["Face", "Predictor", "Tracker", "__version__", "face_chip"]
    assert dir(fkd) == sorted(fkd.__all__)
    assert all(getattr(fkd, name) for name in fkd.__all__)
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        _ = fkd.predict


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, photo: p(photo, boxes=[(1, 2, 3)]), "boxes: four numbers each expected"),
        (lambda p, photo: p(photo, min_face="a"), "min_face: a positive number of pixels"),
        (lambda p, photo: p((photo, photo)), "or a list of these expected, not tuple"),
        (lambda p, photo: Tracker(p)(None), "frame: is None; cv2.imread gives that"),
        (lambda p, photo: Predictor(providers="CPU"), "providers: a list of names expected"),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(predictor, astronaut, call, message):
    with pytest.raises(ValueError, match=message):
        call(predictor, astronaut)


def test_a_predictor_says_what_it_is(predictor):
    assert repr(predictor) == "Predictor(pyramid, detector='haar')"
