"""Scoring: what goes in as the truth comes out as zero, and reports count what is missed."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from fkd.certainty import Answer
from fkd.evaluate import always, crops, mean_shape, predict, score, truth, validation_nme
from fkd.metrics import nme
from fkd.preprocess import CropSpec, crop_face, to_crop
from fkd.report import results
from fkd.score import table

SPEC = CropSpec(size=64)


def oracle(faces, boxes):
    """A network that knows the answers, asked for these faces in this order."""
    answers = iter(
        [
            to_crop(f.points, crop_face(f.grey, b, SPEC).transform)
            for f, b in zip(faces, boxes, strict=True)
        ]
    )
    return lambda pixels: Answer(np.stack([next(answers) for _ in pixels]))


def test_a_regressor_that_knows_the_answer_scores_zero(faces):
    boxes = [face.box for face in faces]
    predicted = predict(faces, boxes, oracle(faces, boxes), SPEC)
    assert score(predicted.points, truth(faces), 8.0).nme < 1e-3
    assert predicted.confidence is None and predicted.score is None


def test_the_mean_shape_is_the_best_single_answer_in_the_crop(faces):
    mean = mean_shape(faces, SPEC)

    def error(points):
        placed = [to_crop(f.points, crop_face(f.grey, f.box, SPEC).transform) for f in faces]
        return float(((np.stack(placed) - points) ** 2).sum())

    assert error(mean) < error(mean + 0.5) and error(mean) < error(mean * 1.02)
    assert validation_nme(faces, always(mean), SPEC) > 3


def test_regions_average_to_the_whole_weighted_by_their_points(faces):
    rng = np.random.default_rng(0)
    predicted = truth(faces) + rng.normal(0, 2, (len(faces), 68, 2)).astype(np.float32)
    scores = score(predicted, truth(faces), 8.0)
    counts = {"jaw": 17, "brows": 10, "nose": 9, "eyes": 12, "mouth": 20}
    whole = sum(scores.regions[name] * n for name, n in counts.items()) / 68
    assert whole == pytest.approx(scores.nme, rel=1e-6)
    assert scores.median == pytest.approx(np.median(nme(predicted, truth(faces))))


def test_a_missed_face_fails_end_to_end_and_is_not_in_the_detectors_nme(faces):
    some = [
        dataclasses.replace(f, detector_box=f.annotation_box if i % 4 else None)
        for i, f in enumerate(faces)
    ]
    missed = sum(f.detector_box is None for f in some)
    knows_all = {id(f.grey): f for f in some}
    assert len(knows_all) == len(some)

    def network(pixels):
        crop_of = {crops([f], [f.annotation_box], SPEC).tobytes(): f for f in some}
        found = [crop_of[p[None].tobytes()] for p in pixels]
        return Answer(
            np.stack([to_crop(f.points, crop_face(f.grey, f.box, SPEC).transform) for f in found])
        )

    both = results(some, network, always(mean_shape(some, SPEC)), SPEC, 8.0)
    assert both["annotation"].recall == 1.0 and both["annotation"].end_to_end_failure == 0.0
    detector = both["detector"]
    assert detector.scored.faces == len(some) - missed
    assert detector.recall == pytest.approx(1 - missed / len(some))
    assert detector.end_to_end_failure == pytest.approx(100 * missed / len(some))
    assert detector.scored.failure_rate == 0.0 and detector.mean_face > 3


def test_kept_faces_and_the_rank_of_confidence_are_counted(faces):
    true = truth(faces)
    rng = np.random.default_rng(5)
    off = rng.uniform(0, 9, (len(faces), 68, 1)).astype(np.float32)

    def network(pixels):
        scores = np.linspace(0, 1, len(faces), dtype=np.float32)
        placed = [
            to_crop(p + [1, 0] * o, crop_face(f.grey, f.annotation_box, SPEC).transform)
            for f, p, o in zip(faces, true, off, strict=True)
        ]
        return Answer(np.stack(placed), -off[..., 0], scores)

    alone = [dataclasses.replace(face, detector_box=None) for face in faces]
    result = results(alone, network, None, SPEC, 8.0, 0.5)["annotation"]
    assert result.kept == 50.0
    eyes = np.linalg.norm(true[:, 36] - true[:, 45], axis=1)[:, None]
    expected = scipy.stats.spearmanr(off[..., 0].ravel(), (off[..., 0] / eyes).ravel()).statistic
    assert result.numbers()["confidence_rank"] == pytest.approx(expected, abs=2e-3)


def test_a_table_has_a_line_for_each_set_and_source(faces):
    both = results(faces, always(mean_shape(faces, SPEC)), None, SPEC, 8.0)
    text = table({"drawn": {source: result.numbers() for source, result in both.items()}})
    assert len(text.splitlines()) == 1 + len(both)
    assert f"{both['annotation'].scored.nme:.3f}" in text
