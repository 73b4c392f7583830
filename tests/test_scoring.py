"""Scoring: the truth scores zero, and what is missed is counted."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from fkd.detection.haar import open_haar
from fkd.evaluation.benchmark import table
from fkd.evaluation.end_to_end import end_to_end
from fkd.evaluation.metrics import nme
from fkd.evaluation.report import results
from fkd.evaluation.scoring import (
    annotated,
    constant_model,
    mean_shape,
    predict,
    score,
    validation_nme,
)
from fkd.geometry.crop import CropSpec, crop_batch, crop_face, to_crop
from fkd.models.output import ModelOutput

SPEC = CropSpec(size=64)


def oracle(faces, boxes):
    """A model that knows the answers, asked for these faces in this order."""
    answers = iter(
        [
            to_crop(f.points, crop_face(f.grey, b, SPEC).transform)
            for f, b in zip(faces, boxes, strict=True)
        ]
    )
    return lambda pixels: ModelOutput(np.stack([next(answers) for _ in pixels]))


def test_a_regressor_that_knows_the_answer_scores_zero(faces):
    boxes = [face.box for face in faces]
    predicted = predict(faces, boxes, oracle(faces, boxes), SPEC)
    assert score(predicted.points, annotated(faces), 8.0).nme < 1e-3
    assert predicted.confidence is None and predicted.score is None


def test_the_mean_shape_is_the_best_single_answer_in_the_crop(faces):
    mean = mean_shape(faces, SPEC)

    def error(points):
        placed = [to_crop(f.points, crop_face(f.grey, f.box, SPEC).transform) for f in faces]
        return float(((np.stack(placed) - points) ** 2).sum())

    assert error(mean) < error(mean + 0.5) and error(mean) < error(mean * 1.02)
    assert validation_nme(faces, constant_model(mean), SPEC) > 3


def test_each_set_of_validation_faces_counts_the_same(faces):
    mean = constant_model(mean_shape(faces, SPEC))
    mixed = [
        dataclasses.replace(face, subset="camera" if i < 3 else "b") for i, face in enumerate(faces)
    ]
    each = nme(predict(faces, [face.box for face in faces], mean, SPEC).points, annotated(faces))
    expected = (each[:3].mean() + each[3:].mean()) / 2
    assert validation_nme(mixed, mean, SPEC) == pytest.approx(expected, rel=1e-6)
    assert abs(expected - each.mean()) > 0.01


def test_regions_average_to_the_whole_weighted_by_their_points(faces):
    rng = np.random.default_rng(0)
    predicted = annotated(faces) + rng.normal(0, 2, (len(faces), 68, 2)).astype(np.float32)
    scores = score(predicted, annotated(faces), 8.0)
    counts = {"jaw": 17, "brows": 10, "nose": 9, "eyes": 12, "mouth": 20}
    whole = sum(scores.regions[name] * n for name, n in counts.items()) / 68
    assert whole == pytest.approx(scores.nme, rel=1e-6)
    assert scores.median == pytest.approx(np.median(nme(predicted, annotated(faces))))


def test_a_missed_face_lowers_recall_and_is_not_in_the_detectors_nme(faces):
    some = [
        dataclasses.replace(f, detector_box=f.reference_box if i % 4 else None)
        for i, f in enumerate(faces)
    ]
    missed = sum(f.detector_box is None for f in some)
    knows_all = {id(f.grey): f for f in some}
    assert len(knows_all) == len(some)

    def network(pixels):
        crop_of = {crop_batch([(f.grey, f.reference_box)], SPEC).pixels.tobytes(): f for f in some}
        found = [crop_of[p[None].tobytes()] for p in pixels]
        return ModelOutput(
            np.stack([to_crop(f.points, crop_face(f.grey, f.box, SPEC).transform) for f in found])
        )

    both = results(some, network, constant_model(mean_shape(some, SPEC)), SPEC, 8.0)
    assert both["annotation"].recall == 1.0
    detector = both["detector"]
    assert detector.scored.faces == len(some) - missed
    assert detector.recall == pytest.approx(1 - missed / len(some))
    assert detector.scored.failure_rate == 0.0 and detector.mean_shape_nme > 3


def test_the_true_positive_rate_and_the_rank_of_confidence_are_counted(faces):
    true = annotated(faces)
    rng = np.random.default_rng(5)
    off = rng.uniform(0, 9, (len(faces), 68, 1)).astype(np.float32)

    def network(pixels):
        scores = np.linspace(0, 1, len(faces), dtype=np.float32)
        placed = [
            to_crop(p + [1, 0] * o, crop_face(f.grey, f.reference_box, SPEC).transform)
            for f, p, o in zip(faces, true, off, strict=True)
        ]
        return ModelOutput(np.stack(placed), -off[..., 0], scores)

    alone = [dataclasses.replace(face, detector_box=None) for face in faces]
    result = results(alone, network, None, SPEC, 8.0, 0.5)["annotation"]
    assert result.true_positive_rate == 50.0
    eyes = np.linalg.norm(true[:, 36] - true[:, 45], axis=1)[:, None]
    expected = scipy.stats.spearmanr(off[..., 0].ravel(), (off[..., 0] / eyes).ravel()).statistic
    assert result.figures()["confidence_rank"] == pytest.approx(expected, abs=2e-3)


def test_end_to_end_a_missed_face_and_a_far_off_one_fail(faces):
    """A model that knows the points of one photo, asked to search it, a photo without a face, and
    the first photo with labels that lie elsewhere on it."""
    face = next(f for f in faces if f.detector_box)
    empty = dataclasses.replace(face, grey=np.full_like(face.grey, 90))
    eyes = np.linalg.norm(face.points[36] - face.points[45])
    off = dataclasses.replace(face, points=face.points + [0.1 * eyes, 0])

    def model(pixels):
        crop = crop_batch([(face.grey, face.detector_box)], SPEC)
        placed = to_crop(face.points, crop.transforms[0])
        return ModelOutput(np.broadcast_to(placed, (len(pixels), 68, 2)))

    figures = end_to_end([face, empty, off], model, SPEC, None, 8.0, open_haar()).figures()
    assert figures["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["failure_rate"] == pytest.approx(200 / 3, abs=0.01)
    assert figures["nme"] == pytest.approx(5.0, abs=0.01) and figures["faces"] == 3


def test_a_table_has_a_line_for_each_set_and_source(faces):
    both = results(faces, constant_model(mean_shape(faces, SPEC)), None, SPEC, 8.0)
    text = table({"synthetic": {source: result.figures() for source, result in both.items()}})
    assert len(text.splitlines()) == 1 + len(both)
    assert f"{both['annotation'].scored.nme:.3f}" in text
