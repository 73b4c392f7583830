"""Confidence calibration: from heatmap standard deviations to probabilities."""

import dataclasses

import numpy as np
import pytest
import torch

from fkd.detection.detections import Detection, Search
from fkd.detection.haar import open_haar
from fkd.evaluation.calibration import (
    EXPECTED_FACE,
    EXPECTED_MIN_SCORE,
    EXPECTED_POINT,
    CalibrateParams,
    Deviations,
    fit_calibration,
    fit_logistic,
    min_score,
    negative_crops,
    rates,
)
from fkd.evaluation.negatives import detected_elsewhere, misplaced_boxes
from fkd.geometry.boxes import box_offset
from fkd.geometry.crop import CropSpec
from fkd.geometry.roll import Frame
from fkd.models.confidence import ConfidenceCalibration, Logistic, calibration_from
from fkd.models.zoo import PACKAGED
from fkd.training.backend import ServedNetwork, heatmap_std
from fkd.training.losses import gaussians
from fkd.training.networks import NETWORKS
from fkd.training.onnx_weights import load_onnx_network


def test_the_logistic_of_two_equal_normals_is_bayes_rule():
    """Means m1, m2 and one variance v: log odds are linear, v / (m2 - m1) wide, even half way."""
    rng = np.random.default_rng(1)
    fitted = fit_logistic(rng.normal(5.0, 1.5, 40_000), rng.normal(8.0, 1.5, 20_000))
    assert fitted.middle == pytest.approx(6.5, abs=0.05)
    assert fitted.width == pytest.approx(1.5**2 / 3.0, abs=0.03)
    assert fitted(np.array([6.5]))[0] == pytest.approx(0.5, abs=0.02)


def test_separate_classes_and_equal_ones_have_a_finite_logistic():
    apart = fit_logistic(np.full(50, 1.0), np.full(50, 9.0))
    assert apart(np.array([1.0]))[0] > 0.95 and apart(np.array([9.0]))[0] < 0.05
    same = fit_logistic(np.full(50, 3.0), np.full(50, 3.0))
    assert same(np.array([3.0]))[0] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="both classes"):
        fit_logistic(np.zeros(0), np.ones(3))


def test_far_numbers_do_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_allclose(Logistic(6.0, 0.1)(np.array([0.0, 1e4])), [1.0, 0.0], atol=1e-6)


def test_a_calibration_survives_its_dictionary():
    calibration = ConfidenceCalibration(Logistic(1.0, 2.0), Logistic(3.0, 4.0), 0.5)
    assert calibration_from(dataclasses.asdict(calibration)) == calibration


def test_the_std_of_a_gaussian_heatmap_is_its_deviation_over_both_axes():
    points = torch.tensor([[[64.0, 64.0], [40.0, 80.0]]])
    heatmaps = gaussians(points, 32, 32, 128)  # one cell of 4 px, so sqrt(2) * 4 over x and y
    np.testing.assert_allclose(heatmap_std(heatmaps, 128).numpy(), [[5.657, 5.657]], rtol=0.01)
    flat = torch.full((1, 1, 32, 32), 1 / 1024)
    whole = np.sqrt(2 * (128**2 - 4**2) / 12)  # of a uniform map
    np.testing.assert_allclose(heatmap_std(flat, 128).numpy(), [[whole]], rtol=0.01)


def test_a_served_network_answers_the_probabilities_of_its_deviations():
    torch.manual_seed(0)
    net = NETWORKS["pyramid"](128).eval()
    calibration = ConfidenceCalibration(Logistic(40.0, 9.0), Logistic(50.0, 3.0), 0.3)
    pixels = torch.rand(3, 1, 128, 128) * 255
    with torch.inference_mode():
        points, confidence, score, *_ = ServedNetwork(net, calibration)(pixels)
        predicted = net(pixels)
    std = heatmap_std(predicted.heatmaps, 128).numpy()
    np.testing.assert_array_equal(points.numpy(), predicted.points.numpy())
    np.testing.assert_allclose(confidence.numpy(), calibration.point(std), rtol=1e-4)
    np.testing.assert_allclose(score.numpy(), calibration.face(std.mean(axis=1)), rtol=1e-4)


def test_misplaced_boxes_do_not_frame_the_face(faces):
    rng = np.random.default_rng(2)
    for face in faces:
        for box in misplaced_boxes(face.reference_box, rng):
            right, below, ratio = box_offset(box, face.reference_box)
            assert np.hypot(right, below) > 0.4 or not 0.55 < ratio < 1.8


def test_a_box_on_the_face_is_not_one_that_was_detected_elsewhere(faces):
    for face in faces[:8]:
        for box in detected_elsewhere(face, open_haar()):
            assert np.hypot(*box_offset(box, face.reference_box)[:2]) > 0.5


def test_negative_crops_are_the_same_each_time_and_as_many_for_each_face_at_least(
    faces, recipe, params
):
    spec = CropSpec(size=64)
    chosen = params.calibrate.model_copy(update={"seed": 7})
    first = negative_crops(faces[:4], recipe.scene, spec, chosen)
    assert first.dtype == np.uint8 and first.shape[1:] == (1, 64, 64) and len(first) >= 4 * 6
    np.testing.assert_array_equal(first, negative_crops(faces[:4], recipe.scene, spec, chosen))
    other = negative_crops(faces[:4], recipe.scene, spec, params.calibrate)
    assert (first != other[: len(first)]).any()


def test_what_the_detector_in_use_finds_away_from_the_face_is_a_negative(faces):
    x, y, side, _ = faces[0].reference_box
    boxes = [(x + 2, y, side, side), (x + side, y, side, side), (x, y - 2 * side, side, side)]
    found = Search([Detection(Frame(box)) for box in boxes], 24)
    detector = dataclasses.replace(open_haar(), search=lambda grey, min_face: found)
    assert detected_elsewhere(faces[0], detector) == boxes[1:]


def test_the_threshold_rejects_the_fraction_of_faces_that_was_asked_for():
    rng = np.random.default_rng(3)
    std = rng.gamma(30.0, 0.2, (20_000, 17))
    measured = Deviations(
        errors=std * rng.gamma(2.0, 0.35, (20_000, 17)),
        faces=std,
        negatives=rng.gamma(30.0, 0.4, (2000, 17)),
    )
    params = CalibrateParams(
        error_threshold=5.0, max_false_rejection_rate=0.02, detector="haar", seed=1
    )
    calibration, fallbacks = fit_calibration(measured, params)
    rated = rates(measured, calibration)
    assert fallbacks == []
    assert rated["true_positive_rate"] == pytest.approx(98.0, abs=0.1)
    assert rated["true_negative_rate"] > 99 and 0 < rated["min_score"] < 1


def test_the_threshold_of_few_faces_does_not_hang_on_one_of_them():
    """Five samples of 250 scores, each with its own luck in the tail, and one of 40,000."""
    rng = np.random.default_rng(4)

    def scores(count: int) -> np.ndarray:
        return 1 / (1 + np.exp(-rng.gamma(9.0, 0.9, count) + 2.0))

    few = [scores(250) for _ in range(5)]
    thresholds = np.array([min_score(sample, 0.002) for sample in few])
    quantiles = np.array([np.quantile(sample, 0.002) for sample in few])
    assert np.ptp(thresholds) < 0.25 * np.ptp(quantiles) and 0.1 < thresholds.mean() < 0.3
    many = scores(40_000)
    assert min_score(many, 0.002) == pytest.approx(np.quantile(many, 0.002), abs=0.02)


def deviations(errors: float, faces: float, negatives: float, count: int) -> Deviations:
    """All errors one number, and deviations near one number each."""
    rng = np.random.default_rng(6)
    return Deviations(
        np.full((count, 68), errors),
        faces + rng.normal(0, 0.01, (count, 68)),
        negatives + rng.normal(0, 0.01, (3 * count, 68)),
    )


@pytest.mark.parametrize(
    ("measured", "expected_point", "expected_face"),
    [
        (deviations(9.0, 6.0, 9.0, 2), True, False),  # no point is right
        (deviations(1.0, 6.0, 9.0, 2), True, False),  # none is wrong
        (deviations(9.0, 9.0, 6.0, 2), True, True),  # the negatives are narrower
        (deviations(9.0, 9.0, 9.0, 2), True, True),  # and as narrow
        (deviations(9.0, 6.0, 6.0, 2), True, True),
    ],
)
def test_what_few_faces_do_not_tell_is_as_of_the_packaged_models_and_is_said(
    measured, expected_point, expected_face
):
    params = CalibrateParams(
        error_threshold=5.0, max_false_rejection_rate=0.002, detector="haar", seed=1
    )
    calibration, fallbacks = fit_calibration(measured, params)
    assert (calibration.point == EXPECTED_POINT) == expected_point
    assert (calibration.face.width == EXPECTED_FACE.width) == expected_face
    assert calibration.face(measured.faces.mean(axis=1)).min() > calibration.min_score
    assert calibration.min_score == pytest.approx(EXPECTED_MIN_SCORE, abs=0.01)
    assert len(fallbacks) == expected_point + expected_face + 1
    assert "2 crops with a face are too few to measure the score's threshold" in fallbacks[-1]


@pytest.mark.parametrize("name", PACKAGED)
def test_the_expected_calibration_is_near_that_of_the_packaged_models(name):
    """At the deviations that matter, from sharp heatmaps to wide ones."""
    _, stored, _ = load_onnx_network(PACKAGED[name])
    std = np.linspace(5.6, 8.0, 25)
    assert stored is not None
    for expected, packaged in ((EXPECTED_POINT, stored.point), (EXPECTED_FACE, stored.face)):
        assert np.abs(expected(std) - packaged(std)).max() < 0.15
    assert stored.min_score == pytest.approx(EXPECTED_MIN_SCORE, abs=0.05)
