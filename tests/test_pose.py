"""Head pose: its signs, and that it survives what is done to pictures."""

import cv2
import numpy as np
import pytest

from fkd.geometry.pose import Pose, mirrored_pose, pose_of, rotation_of
from fkd.ground_truth import GroundTruth
from fkd.landmarks import LEFT_EYE, NOSE_TIP, RIGHT_EYE
from fkd.synthetic.face import render_face

NOSE, RIGHT, DOWN = np.array([0, 0, -1]), np.array([1, 0, 0]), np.array([0, 1, 0])


def posed(recipe, yaw):
    pose = recipe.pose.model_copy(
        update={
            "uniform_yaw_prob": 1.0,
            "uniform_yaw": (yaw, yaw),
            "pitch_std": 0.0,
            "roll_std": 0.0,
            "pitch_mean": 0.0,
        }
    )
    plain = recipe.scene.model_copy(update={"occluder_prob": 0.0})
    glasses = recipe.glasses.model_copy(update={"prob": 0.0})
    return recipe.model_copy(update={"pose": pose, "scene": plain, "glasses": glasses, "size": 176})


def test_a_head_turns_to_its_left_looks_down_and_leans_clockwise():
    assert rotation_of(Pose(30, 0, 0)) @ NOSE == pytest.approx([0.5, 0, -np.sqrt(0.75)])
    assert rotation_of(Pose(0, 30, 0)) @ NOSE == pytest.approx([0, 0.5, -np.sqrt(0.75)])
    assert rotation_of(Pose(0, 0, 30)) @ RIGHT == pytest.approx([np.sqrt(0.75), 0.5, 0])
    assert rotation_of(Pose(0, 0, 0)) == pytest.approx(np.eye(3))


def test_a_pose_comes_back_from_its_rotation():
    rng = np.random.default_rng(0)
    for angles in rng.uniform(-1, 1, (50, 3)) * (179, 89, 179):
        assert pose_of(rotation_of(Pose(*angles))) == pytest.approx(tuple(angles))


def test_a_mirrored_pose_is_that_of_the_mirrored_rotation():
    mirror = np.diag([-1, 1, 1])
    pose = Pose(40.0, -20.0, 15.0)
    assert mirrored_pose(pose) == pytest.approx(pose_of(mirror @ rotation_of(pose) @ mirror))


def test_of_a_head_that_turns_to_its_left_the_nose_moves_right_in_the_picture(recipe):
    for yaw in (-40, 40):
        face = render_face(posed(recipe, yaw), 3)
        eyes = (face.points[RIGHT_EYE].mean(axis=0) + face.points[LEFT_EYE].mean(axis=0)) / 2
        assert face.truth.pose.yaw == pytest.approx(yaw, abs=0.01)
        assert np.sign(face.points[NOSE_TIP, 0] - eyes[0]) == np.sign(yaw)


def test_the_nose_is_nearest_and_a_turned_head_has_its_far_side_further(recipe):
    frontal, turned = (render_face(posed(recipe, yaw), 3).truth for yaw in (0, 50))
    assert frontal.depth.argmin() == NOSE_TIP and abs(frontal.depth.mean()) < 1e-3
    # It turns to its own left, so its left eye is the far one.
    assert turned.depth[LEFT_EYE].mean() > turned.depth[RIGHT_EYE].mean() + 10


def test_points_and_depth_of_a_face_are_one_shape_however_it_is_turned(recipe):
    """The distance of the eyes' outer corners in space is the same from the front and from the
    side, though in the picture it is not; perspective changes it a little."""
    far = recipe.pose.model_copy(update={"camera_distance": (60.0, 60.0), "face_size": (0.5, 0.5)})
    recipe = recipe.model_copy(update={"pose": far})
    lengths = []
    for yaw in (0, 45):
        face = render_face(posed(recipe, yaw), 5)
        corners = np.column_stack([face.points, face.truth.depth])[[36, 45]]
        nose = np.column_stack([face.points, face.truth.depth])[[27, 8]]
        lengths.append([np.linalg.norm(np.diff(pair, axis=0)) for pair in (corners, nose)])
    (eyes, height), (turned_eyes, turned_height) = lengths
    assert turned_eyes / turned_height == pytest.approx(eyes / height, rel=0.06)


def test_of_a_turned_head_the_far_jaw_is_hidden_and_of_a_frontal_one_nothing_of_the_face(recipe):
    bare = recipe.hair.model_copy(update={"beard_prob": 0.0, "none_prob": 1.0, "hat_prob": 0.0})
    recipe = recipe.model_copy(update={"hair": bare})
    for index in range(4):
        frontal, turned, profile = (
            render_face(posed(recipe, yaw), index).truth.visible for yaw in (0, 60, 85)
        )
        assert frontal[17:].all() and frontal[2:15].sum() >= 10
        # To its left: the left half of the jaw, points 9 to 16, is the far one.
        assert not turned[12:16].any() and turned[2:8].all()
        assert profile[LEFT_EYE].sum() < profile[RIGHT_EYE].sum()


def test_sunglasses_hide_the_eyes_and_an_occluder_what_it_covers(recipe):
    dark = recipe.glasses.model_copy(update={"prob": 1.0, "sunglasses_prob": 1.0})
    face = render_face(posed(recipe, 0).model_copy(update={"glasses": dark}), 3)
    assert not face.truth.visible[36:48].any() and face.truth.visible[48:60].all()
    assert face.truth.attributes["sunglasses"] == 1


def test_a_mirrored_truth_is_that_of_the_mirrored_face(recipe):
    truth = render_face(posed(recipe, 45), 3).truth
    mirrored = truth.mirrored()
    assert not mirrored.visible[1:6].any() and mirrored.visible[9:14].all()
    np.testing.assert_array_equal(mirrored.mirrored().visible, truth.visible)
    np.testing.assert_array_equal(mirrored.depth[[36, 45]], truth.depth[[45, 36]])
    assert mirrored.pose.yaw == -truth.pose.yaw


def test_a_turned_crop_has_the_roll_of_its_points():
    """Points on a level line, in a crop that is turned counter-clockwise by 20 degrees."""
    truth = GroundTruth(np.ones(68, bool), np.zeros(68, np.float32), Pose(0, 0, 0), {})
    turn = cv2.getRotationMatrix2D((0, 0), 20, 1)  # counter-clockwise in the picture
    along = turn[:, :2] @ [1, 0]
    assert truth.turned(20).pose.roll == pytest.approx(np.degrees(np.arctan2(along[1], along[0])))
