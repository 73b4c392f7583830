"""Scores against constructed answers."""

import numpy as np
import pytest

from fkd.evaluation.metrics import auc, ced, failure_rate, nme, point_errors
from fkd.geometry.alignment import eye_frame


def face(eyes_apart: float) -> np.ndarray:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 45, 0] = eyes_apart
    return points


def test_a_shift_of_a_tenth_of_the_eye_distance_is_ten_percent():
    truth = face(50.0)
    np.testing.assert_allclose(nme(truth + [3.0, 4.0], truth), [10.0], rtol=1e-6)


def test_nme_does_not_depend_on_the_scale_of_the_frame():
    rng = np.random.default_rng(1)
    truth, predicted = rng.uniform(0, 90, (2, 5, 68, 2)).astype(np.float32)
    np.testing.assert_allclose(nme(7 * predicted, 7 * truth), nme(predicted, truth), rtol=1e-5)


def test_the_normaliser_is_the_true_eye_distance_not_the_predicted():
    truth, predicted = face(50.0), face(100.0)
    assert point_errors(predicted, truth)[0, 45] == pytest.approx(1.0)


def test_auc_equals_the_area_under_a_finely_sampled_error_curve():
    errors = np.random.default_rng(2).gamma(4.0, 1.4, 2000)
    grid = np.linspace(0, 8, 200_001)
    area = np.trapezoid(ced(errors, grid), grid) / 8
    assert auc(errors, 8.0) == pytest.approx(area, abs=1e-4)


def test_a_missed_face_adds_nothing_to_the_area_and_is_a_failure():
    assert auc(np.array([4.0, np.inf]), 8.0) == pytest.approx(0.25)
    assert failure_rate(np.array([4.0, np.inf]), 8.0) == 50.0


def test_a_face_exactly_at_the_threshold_has_not_failed():
    assert failure_rate(np.array([8.0, 8.000001]), 8.0) == 50.0


def test_the_error_curve_counts_faces_up_to_each_value():
    np.testing.assert_array_equal(
        ced(np.array([1.0, 3.0, 3.0, 9.0]), np.array([0.5, 1.0, 3.0, 8.0])), [0, 0.25, 0.75, 0.75]
    )


def test_the_eye_frame_undoes_turn_size_and_place():
    rng = np.random.default_rng(3)
    shape = rng.normal(0, 1, (68, 2))
    shape[36:42] += [-0.5, 0] - shape[36:42].mean(axis=0)
    shape[42:48] += [0.5, 0] - shape[42:48].mean(axis=0)
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    np.testing.assert_allclose(eye_frame(37 * shape @ turn.T + [12, -5]), shape, atol=1e-9)


def test_a_prediction_is_seen_in_the_frame_of_the_truths_eyes():
    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 90, (3, 68, 2))
    apart = truth[:, 42:48].mean(axis=1) - truth[:, 36:42].mean(axis=1)
    moved = eye_frame(truth + apart[:, None], truth) - eye_frame(truth)
    np.testing.assert_allclose(moved, np.broadcast_to([1.0, 0.0], moved.shape), atol=1e-9)
