"""How 300-W's annotators click by how a head is turned."""

import numpy as np
import pytest

from fkd.geometry.pose import Pose, mirrored_pose
from fkd.landmarks import FLIP, flip_points
from fkd.synthetic.annotation_bias import PROFILE
from fkd.synthetic.mean_head import load_mean_head
from fkd.synthetic.pose_bias import STEEPEST_PITCH, bias_terms, load_pose_bias, pose_bias
from tools.fit_pose_bias import fit

POSE = Pose(28.0, -9.0, 0.0)


def face() -> np.ndarray:
    return (load_mean_head().shape * 60 + 100).astype(np.float32)


def test_a_mirrored_face_has_the_mirrored_bias():
    mirrored = pose_bias(flip_points(face(), 200), mirrored_pose(POSE))
    np.testing.assert_allclose(mirrored[FLIP] * [-1, 1], pose_bias(face(), POSE), atol=1e-4)


def test_the_bias_turns_and_grows_with_the_face():
    angle = np.radians(40.0)
    turn = 2 * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = pose_bias((face() @ turn).astype(np.float32), POSE)
    np.testing.assert_allclose(turned, pose_bias(face(), POSE) @ turn, atol=1e-3)


def test_the_bias_of_a_face_from_the_front_is_that_of_the_table():
    outer = np.linalg.norm(face()[45] - face()[36])
    expected = load_pose_bias()[0] * outer / 100
    np.testing.assert_allclose(pose_bias(face(), Pose(0.0, 0.0, 0.0)), expected, atol=0.02)


def test_a_profile_has_no_bias_and_a_steep_face_that_of_the_steepest_measured():
    assert not pose_bias(face(), Pose(-PROFILE, 0.0, 0.0)).any()
    steepest = pose_bias(face(), Pose(0.0, STEEPEST_PITCH, 0.0))
    np.testing.assert_array_equal(pose_bias(face(), Pose(0.0, 40.0, 0.0)), steepest)


def test_a_fit_finds_the_bias_that_offsets_were_made_of():
    rng = np.random.default_rng(0)
    table = rng.normal(0, 3, (4, 68, 2))
    mirror = np.array([1, -1, 1, 1])[:, None, None]
    table = (table + table[:, FLIP] * [-1, 1] * mirror) / 2
    terms = np.array([bias_terms(Pose(*angles)) for angles in rng.normal(0, 15, (80, 3))])
    offsets = np.einsum("nk,kpc->npc", terms, table)
    found = fit(offsets, terms, rng.uniform(0.1, 0.3, 80))
    np.testing.assert_allclose(found, table, atol=1e-8)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(table))
