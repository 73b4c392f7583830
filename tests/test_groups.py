"""Errors by group, and the figures of what is visible, depth and pose."""

import csv
import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fkd.evaluation.groups import KINDS, Group, groups, largest_gap, write_groups
from fkd.evaluation.scoring import annotated
from fkd.evaluation.view import roc_auc, view_figures
from fkd.models.output import ModelOutput


@pytest.fixture(scope="module")
def aged(faces):
    """Twenty faces, every other one old."""
    told = []
    for i, face in enumerate(faces):
        attributes = {**face.truth.attributes, "age": 70.0 if i % 2 else 30.0}
        truth = dataclasses.replace(face.truth, attributes=attributes)
        box = None if i % 4 else face.box
        told.append(dataclasses.replace(face, truth=truth, detector_box=box))
    return told


def off_by(faces, percent):
    """An output whose every point of face i is `percent[i]` of the outer eye distance off."""
    true = annotated(faces)
    eyes = np.linalg.norm(true[:, 36] - true[:, 45], axis=1)
    away = np.array(percent)[:, None] / 100 * eyes[:, None]
    points = true + np.stack([away, 0 * away], axis=-1).astype(np.float32)
    return ModelOutput(points.astype(np.float32), np.full(points.shape[:2], 0.75, np.float32))


def test_a_group_has_the_error_the_misses_and_the_confidence_of_its_faces(aged):
    output = off_by(aged, [9.0 if i % 2 else 3.0 for i in range(len(aged))])
    found = {(g.kind, g.name): g for g in groups(aged, output, 8.0, 5.0)}
    young, old = found["age", "20 to 40"], found["age", "over 60"]
    assert (young.faces, old.faces) == (10, 10)
    assert young.nme == pytest.approx(3, rel=1e-3) and old.nme == pytest.approx(9, rel=1e-3)
    assert (young.failure_rate, old.failure_rate) == (0, 100)
    assert (young.missed, old.missed) == (50, 100)
    # All of the young ones' points are within 5 %, none of the old ones'; confidence is 0.75.
    assert young.overconfidence == pytest.approx(-0.25, abs=1e-6)
    assert old.overconfidence == pytest.approx(0.75, abs=1e-6)
    assert largest_gap(list(found.values())) == (
        "the largest gap is by age: 9.00 % (over 60) against 3.00 % (20 to 40)"
    )


def test_faces_of_photos_are_in_no_group(aged):
    photos = [dataclasses.replace(face, truth=None) for face in aged]
    assert groups(photos, off_by(aged, [1.0] * len(aged)), 8.0, 5.0) == []
    assert largest_gap([]) is None


def test_every_face_is_of_one_name_in_each_kind(faces):
    for face in faces:
        assert all(isinstance(tell(face.truth), str) for tell in KINDS.values())


def test_groups_are_written_as_a_table_and_a_picture(tmp_path):
    one = Group("age", "old", 12, 4.5, 0.25, 8.0, 0.0, None)
    write_groups([one], tmp_path)
    header, row = csv.reader((tmp_path / "groups.csv").open())
    assert dict(zip(header, row, strict=True))["nme"] == "4.5"
    assert (tmp_path / "groups.png").stat().st_size > 1000
    write_groups([], tmp_path)


def test_the_area_under_the_roc_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    score = rng.integers(0, 10, (50, 4)) / 10  # many are equal
    positive = rng.random((50, 4)) < score
    assert roc_auc(score, positive) == pytest.approx(roc_auc_score(positive.ravel(), score.ravel()))


def test_what_the_truth_itself_scores_and_an_angle_that_is_off(faces):
    truths = [face.truth for face in faces]
    visible = np.stack([truth.visible for truth in truths]).astype(np.float32)
    depth = np.stack([truth.depth for truth in truths])
    pose = np.array([truth.pose for truth in truths], np.float32)
    told = ModelOutput(annotated(faces), visible, visible[:, 0], visible, depth, pose + [0, 0, 359])
    figures = view_figures(faces, told)
    assert figures["visible_auc"] == 1 and figures["depth_error"] == 0
    assert (figures["pose_error_yaw"], figures["pose_error_roll"]) == (0, 1)
    assert view_figures(faces, ModelOutput(annotated(faces))) == {}
