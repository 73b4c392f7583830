"""How sure a network is: from the spread of maps to probabilities."""

import dataclasses

import numpy as np
import pytest
import torch

from fkd.calibrate import Spreads, false_crops, fit_certainty, rates
from fkd.certainty import Certainty, Logistic, certainty_from, fit_logistic
from fkd.detect import habit_errors
from fkd.false_boxes import detected_elsewhere, misplaced_boxes
from fkd.params import Calibrate
from fkd.preprocess import CropSpec
from fkd.training.answers import Answering, map_spread
from fkd.training.losses import gaussians
from fkd.training.models import MODELS


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


def test_a_certainty_survives_its_dictionary():
    certainty = Certainty(Logistic(1.0, 2.0), Logistic(3.0, 4.0), 0.5)
    assert certainty_from(dataclasses.asdict(certainty)) == certainty


def test_the_spread_of_a_drawn_gaussian_is_its_deviation_over_both_axes():
    points = torch.tensor([[[64.0, 64.0], [40.0, 80.0]]])
    maps = gaussians(points, 32, 32, 128)  # one cell of 4 px, so sqrt(2) * 4 over x and y
    np.testing.assert_allclose(map_spread(maps, 128).numpy(), [[5.657, 5.657]], rtol=0.01)
    flat = torch.full((1, 1, 32, 32), 1 / 1024)
    whole = np.sqrt(2 * (128**2 - 4**2) / 12)  # of a uniform map
    np.testing.assert_allclose(map_spread(flat, 128).numpy(), [[whole]], rtol=0.01)


def test_an_answering_network_tells_the_probabilities_of_its_spreads():
    torch.manual_seed(0)
    net = MODELS["pyramid"](128).eval()
    certainty = Certainty(Logistic(40.0, 9.0), Logistic(50.0, 3.0), 0.3)
    pixels = torch.rand(3, 1, 128, 128) * 255
    with torch.inference_mode():
        points, confidence, score = Answering(net, certainty)(pixels)
        predicted = net(pixels)
    spread = map_spread(predicted.maps, 128).numpy()
    np.testing.assert_array_equal(points.numpy(), predicted.points.numpy())
    np.testing.assert_allclose(confidence.numpy(), certainty.point(spread), rtol=1e-4)
    np.testing.assert_allclose(score.numpy(), certainty.face(spread.mean(axis=1)), rtol=1e-4)


def test_misplaced_boxes_do_not_frame_the_face(faces):
    rng = np.random.default_rng(2)
    for face in faces:
        for box in misplaced_boxes(face.annotation_box, rng):
            right, below, ratio = habit_errors(box, face.points)
            assert np.hypot(right, below) > 0.4 or not 0.55 < ratio < 1.8


def test_a_box_on_the_face_is_not_one_that_was_detected_elsewhere(faces):
    for face in faces[:8]:
        for box in detected_elsewhere(face):
            assert np.hypot(*habit_errors(box, face.points)[:2]) > 0.5


def test_false_crops_are_the_same_each_time_and_as_many_for_each_face_at_least(faces, recipe):
    spec = CropSpec(size=64)
    first = false_crops(faces[:4], recipe.scene, spec, 7)
    assert first.dtype == np.uint8 and first.shape[1:] == (1, 64, 64) and len(first) >= 4 * 6
    np.testing.assert_array_equal(first, false_crops(faces[:4], recipe.scene, spec, 7))
    assert (first != false_crops(faces[:4], recipe.scene, spec, 8)[: len(first)]).any()


def test_the_threshold_costs_the_share_of_faces_that_was_asked_for():
    rng = np.random.default_rng(3)
    spreads = Spreads(
        errors=rng.gamma(2.0, 2.0, (4000, 68)),
        faces=rng.gamma(30.0, 0.2, (4000, 68)),
        others=rng.gamma(30.0, 0.4, (2000, 68)),
    )
    certainty = fit_certainty(spreads, Calibrate(within=5.0, lost=0.02, seed=1))
    told = rates(spreads, certainty)
    assert told["faces_kept"] == pytest.approx(98.0, abs=0.1)
    assert told["false_boxes_dropped"] > 99 and 0 < told["min_score"] < 1
