"""The detector's parts, each against something worked out by hand or by another way."""

import cv2
import numpy as np
import pytest
import torch
from crafted_scenes import PARAMS, PLAIN, disc, even

from fkd.datasets.scenes.store import Materials, Picture, load_pictures, save_pictures
from fkd.detection.maps import decode as decode_maps
from fkd.detection.maps import overlaps, suppressed
from fkd.evaluation.detection import Found, curve
from fkd.geometry.boxes import iou, reference_box
from fkd.geometry.crop import CropSpec, crop_face
from fkd.geometry.roll import five_points, roll_of, turned_box, upright_square
from fkd.inference.predictor import Predictor
from fkd.models.detector import STRIDES
from fkd.training.detector.assignment import assign, square_iou
from fkd.training.detector.batches import Scenes, batches
from fkd.training.detector.fit import fit_detector
from fkd.training.detector.losses import detector_loss
from fkd.training.detector.network import Detector, Predictions, cells, decode
from fkd.training.detector.params import DetectorParams


@pytest.fixture(scope="module")
def face(astronaut) -> np.ndarray:
    """Points of the upright face in the astronaut's photo."""
    return Predictor()(astronaut)[0].points


def turned(points: np.ndarray, degrees: float, about: np.ndarray) -> np.ndarray:
    """Points turned clockwise in the picture."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - about) @ matrix.T + about).astype(np.float32)


@pytest.mark.parametrize("degrees", [-170, -90, -30, 0, 45, 90, 179])
def test_the_roll_of_a_turned_face_is_what_it_was_turned_by(face, degrees):
    upright = roll_of(five_points(face))
    found = roll_of(five_points(turned(face, degrees, np.zeros(2))))
    assert (found - upright - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)
    assert abs(upright) < 12


def test_without_roll_the_turned_box_is_the_reference_box(face):
    assert turned_box(face, 0.0) == reference_box(face)


def blurred_crop(grey: np.ndarray, box: tuple, angle: float) -> np.ndarray:
    """A crop's pixels, blurred, because boxes are whole pixels."""
    crop = crop_face(grey, box, CropSpec(96), angle).pixels
    return cv2.GaussianBlur(crop, (0, 0), 1.5).astype(float).ravel()


@pytest.mark.parametrize("degrees", [90, 180, 33])
def test_the_crop_of_a_turned_photo_is_that_of_the_upright_one(astronaut, face, degrees):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    middle = (np.array(grey.shape[::-1]) - 1) / 2
    # OpenCV turns counter-clockwise for a positive angle.
    matrix = cv2.getRotationMatrix2D(tuple(middle), -degrees, 1.0)
    picture = cv2.warpAffine(grey, matrix, grey.shape[::-1], flags=cv2.INTER_CUBIC)
    points = turned(face, degrees, middle)
    upright = blurred_crop(grey, turned_box(face, 0.0), 0.0)
    found = blurred_crop(picture, turned_box(points, degrees), degrees)
    still_turned = blurred_crop(picture, turned_box(points, degrees), 0.0)
    assert np.corrcoef(found, upright)[0, 1] > 0.99
    assert np.corrcoef(still_turned, upright)[0, 1] < 0.9


def test_squares_overlap_as_boxes_do():
    rng = np.random.default_rng(0)
    squares = np.column_stack([rng.integers(0, 30, (200, 2)), 2 * rng.integers(1, 12, 200)])
    first, second = squares[:100].astype(np.float32), squares[100:].astype(np.float32)
    boxes = [
        [(int(x - s / 2), int(y - s / 2), int(s), int(s)) for x, y, s in part]
        for part in (first, second)
    ]
    expected = [iou(a, b) for a, b in zip(*boxes, strict=True)]
    tensors = square_iou(torch.from_numpy(first), torch.from_numpy(second))
    assert np.allclose(tensors.numpy(), expected, atol=1e-6)
    arrays = [overlaps(a, b[None])[0] for a, b in zip(first, second, strict=True)]
    assert np.allclose(arrays, expected, atol=1e-6)


def test_maps_mean_the_same_with_torch_and_without():
    torch.manual_seed(0)
    maps = [torch.randn(1, 14, 64 // stride, 96 // stride) for stride in STRIDES]
    with_torch = decode(maps)
    without = decode_maps([level[0].numpy() for level in maps], 0.3)
    scores = with_torch.logits[0].sigmoid().numpy()
    order = np.argsort(-scores, kind="stable")[: len(without.scores)]
    assert 20 < len(without.scores) < len(scores) and scores[order].min() >= 0.3
    assert np.allclose(without.scores, scores[order], atol=1e-6)
    assert np.allclose(without.faces, with_torch.faces[0].numpy()[order], rtol=1e-4, atol=1e-3)
    assert np.allclose(without.five, with_torch.five[0].numpy()[order], rtol=1e-4, atol=1e-3)


def test_a_face_is_told_once():
    maps = [np.full((14, 8 // k, 8 // k), -9.0, np.float32) for k in (1, 2, 4)]
    for row, column, logit in ((2, 2, 3.0), (2, 3, 4.0), (6, 6, 1.0)):
        maps[0][:, row, column] = 0
        maps[0][0, row, column], maps[0][3, row, column] = logit, np.log(3)
    told = suppressed(decode_maps(maps, 0.1))
    assert np.allclose(told.faces, [[27.5, 19.5, 24], [51.5, 51.5, 24]])


def predictions(logit: float = 0.0) -> tuple[Predictions, torch.Tensor, torch.Tensor]:
    """Every cell of a 128-pixel scene predicts a square of 4 strides around itself."""
    centres = torch.cat([cells(128 // s, 128 // s, s, torch.device("cpu")) for s in STRIDES])
    strides = torch.cat([torch.full(((128 // s) ** 2,), float(s)) for s in STRIDES])
    squares = torch.cat([centres, 4 * strides[:, None]], dim=1)
    five = centres[:, None].repeat(1, 5, 1)
    told = Predictions(torch.full((1, len(centres)), logit), squares[None], five[None])
    return told, centres, strides


def test_right_answers_cost_less_than_wrong_ones():
    told, centres, strides = predictions(logit=-9.0)
    faces = torch.tensor([[[60.0, 60.0, 64.0]]])
    five = torch.full((1, 1, 5, 2), 60.0)
    targets = assign(told, centres, strides, faces, torch.tensor([[True]]))
    mine = targets.face[0] >= 0
    wrong = detector_loss(told, targets, faces, five)
    squares, logits, points = (t.clone() for t in (told.faces, told.logits, told.five))
    squares[0, mine], points[0, mine], logits[0, mine] = faces[0, 0], five[0, 0], 9.0
    better = Predictions(logits, squares, points)
    right = detector_loss(better, targets._replace(overlap=mine[None].float()), faces, five)
    assert 0 <= right < 0.02 * wrong


@pytest.fixture(scope="module")
def heads() -> list[Picture]:
    return [disc(), disc(face=False)]


@pytest.fixture(scope="module")
def backgrounds() -> list[Picture]:
    return [even()]


def test_pictures_come_back_from_the_store(heads, backgrounds, tmp_path):
    stored = [*heads, *backgrounds]
    assert save_pictures(iter(stored), tmp_path) == 3
    read = load_pictures(tmp_path)
    assert len(read) == 3
    for before, after in zip(stored, read, strict=True):
        assert np.array_equal(before.pixels, after.pixels)
        assert (before.alpha is None) == (after.alpha is None)
        assert (before.points is None) == (after.points is None)
    assert np.array_equal(read[0].points, heads[0].points)


def test_average_precision_and_recall_of_a_known_case():
    face, other, nowhere = (np.array([x, 50.0, 20.0]) for x in (50, 100, 200))
    found = [
        Found(np.array([0.9, 0.8, 0.3]), np.stack([face, nowhere, other])),
        Found(np.array([0.7]), np.stack([face])),
    ]
    scored = curve(found, [np.stack([face, other]), np.empty((0, 3))])
    # Right, wrong, wrong, right: precision 1 and then 1/2 for half of the faces each.
    assert scored.average_precision == pytest.approx(0.5 + 0.5 * 0.5)
    assert scored.recall_at(0.0) == 0.5 and scored.recall_at(1.0) == 1.0
    assert scored.false.tolist() == [0, 0.5, 1, 1]


def test_a_second_detection_of_a_face_is_false():
    face = np.array([50.0, 50.0, 20.0])
    scored = curve([Found(np.array([0.9, 0.8]), np.stack([face, face + 1]))], [face[None]])
    assert scored.recall[-1] == 1.0 and scored.false[-1] == 1.0


TRAINING = DetectorParams(
    init="",
    epochs=2,
    scenes_per_epoch=16,
    batch_size=8,
    lr=0.002,
    weight_decay=0.01,
    warmup=0.1,
    ema_decay=0.9,
    val_scenes=4,
    seed=0,
    num_workers=0,
)


@pytest.mark.slow
def test_a_killed_detector_training_ends_as_an_unbroken_one(heads, backgrounds, tmp_path):
    materials = Materials(heads, backgrounds)
    whole, history = fit_detector(
        materials, materials, PARAMS, TRAINING, tmp_path / "whole.pt", "same"
    )

    def killed(epoch: object) -> None:
        raise KeyboardInterrupt

    state = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        fit_detector(materials, materials, PARAMS, TRAINING, state, "same", killed)
    resumed, after = fit_detector(materials, materials, PARAMS, TRAINING, state, "same")
    assert [e.loss for e in after] == [e.loss for e in history]
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.slow
def test_the_detector_learns_to_find_discs(heads, backgrounds, tmp_path):
    materials = Materials(heads[:1], backgrounds)
    longer = TRAINING.model_copy(
        update={
            "epochs": 4,
            "scenes_per_epoch": 640,
            "batch_size": 16,
            "lr": 0.004,
            "ema_decay": 0.98,
            "val_scenes": 60,
        }
    )
    params = PLAIN.model_copy(update={"smallest_face": 16})
    _, history = fit_detector(materials, materials, params, longer, tmp_path / "s.pt", "x")
    assert history[-1].val_ap > 90 > history[0].val_ap
    assert history[-1].loss < 0.6 * history[0].loss


def test_scenes_do_not_depend_on_the_number_of_workers(heads, backgrounds):
    scenes = Scenes(Materials(heads, backgrounds), PARAMS, 6, (3, 1))
    alone, shared = (list(batches(scenes, 3, workers)) for workers in (0, 2))
    for one, other in zip(alone, shared, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_network_takes_any_size_that_32_divides():
    net = Detector().eval()
    for height, width in ((32, 96), (320, 256)):
        maps = net(torch.zeros(1, 1, height, width))
        shapes = [tuple(level.shape[2:]) for level in maps]
        assert shapes == [(height // s, width // s) for s in STRIDES]
    assert 50_000 < sum(p.numel() for p in net.parameters()) < 200_000


def test_upright_square_of_an_upright_face_is_its_bounding_square(face):
    x, y, side = upright_square(face, 0.0)
    low, high = face.min(axis=0), face.max(axis=0)
    assert (x, y) == pytest.approx(tuple((low + high) / 2), abs=1e-3)
    assert side == pytest.approx((high - low).max() / 0.88)
