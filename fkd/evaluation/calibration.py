"""From heatmap deviations on the validation faces to what confidence and face score mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fkd.datasets.store import LabelledFace
from fkd.detection.registry import DETECTORS
from fkd.evaluation.negatives import boxes_in_scene, detected_elsewhere, misplaced_boxes
from fkd.geometry import Box, Image
from fkd.geometry.crop import CropSpec, crop_batch
from fkd.io.config import Section, one_of
from fkd.models.confidence import ConfidenceCalibration, Floats, Logistic
from fkd.synthetic.recipe import Scene

NEWTON_STEPS = 100
# The threshold that is expected before any face was seen, as a score: the packaged models, fitted
# on thousands of faces, have 0.17 to 0.24. It counts as much as a quantile that rejects 4 faces.
EXPECTED_MIN_SCORE, EXPECTATION_FACES = 0.2, 4.0
# The same of the two logistics: the packaged models' have middles of 5.7 to 5.9 and 6.6 to 6.9.
EXPECTED_POINT, EXPECTED_FACE = Logistic(5.8, 0.6), Logistic(6.75, 0.28)
# Narrower logistics, in pixels, fit classes that hardly differ, and rounding decides their values.
MIN_WIDTH = 0.05
# A threshold that owes less than this to the faces is as good as not measured.
HARDLY = 0.01


class CalibrateParams(Section):
    """What confidence and score mean."""

    error_threshold: Annotated[
        float,
        Field(
            gt=0,
            description="A point is right when it lies this near the true one, percent of the "
            "outer eye distance.",
        ),
    ]
    max_false_rejection_rate: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="Fraction of faces that the score's threshold is to reject at most, "
            "estimated from the validation faces; people lose fewer than synthetic faces, which "
            "are harder.",
        ),
    ]
    detector: Annotated[
        str,
        one_of(DETECTORS),
        Field(description="What finds boxes without a face, with which the score is measured."),
    ]
    seed: Annotated[int, Field(ge=0, description="Of the negatives.")]


@dataclass(frozen=True)
class Deviations:
    """What a network answers to crops with and without a face: errors (N, 68) in percent of the
    outer eye distance and heatmap standard deviations (N, 68) of faces, and standard deviations
    (M, 68) of negatives, crop pixels.
    """

    errors: Floats
    faces: Floats
    negatives: Floats


def negative_crops(
    faces: Sequence[LabelledFace], scene: Scene, spec: CropSpec, params: CalibrateParams
) -> NDArray[np.uint8]:
    """Crops that frame no face, uint8 (M, 1, S, S): misplaced around the faces, detected elsewhere
    in their pictures, and one rendered scene for each face."""
    detector = DETECTORS[params.detector](1)
    framed: list[tuple[Image, Box]] = []
    for i, face in enumerate(faces):
        rng = np.random.default_rng([params.seed, i])
        boxes = [*misplaced_boxes(face.box, rng), *detected_elsewhere(face, detector)]
        framed += [(face.grey, box) for box in boxes]
        picture, boxes = boxes_in_scene(scene, rng)
        framed += [(picture, box) for box in boxes]
    return crop_batch(framed, spec).pixels


def fit_calibration(
    measured: Deviations, params: CalibrateParams
) -> tuple[ConfidenceCalibration, list[str]]:
    """The probabilities, and the score that all but a fraction of the faces reach (`min_score`);
    and a sentence about each of them that the faces, often too few, do not tell: the packaged
    models' values stand in for it."""
    right, rate = measured.errors <= params.error_threshold, params.max_false_rejection_rate
    faces, negatives = measured.faces.mean(axis=1), measured.negatives.mean(axis=1)
    point = _measured_logistic(measured.faces[right], measured.faces[~right])
    face = _measured_logistic(faces, negatives)
    doubts = [
        (
            point is None,
            f"{right.sum()} right and {(~right).sum()} wrong points do not tell what a heatmap's "
            "deviation means; confidence is as of the packaged models",
        ),
        (
            face is None,
            f"{len(faces)} crops with a face and {len(negatives)} without do not differ as they "
            "should; the score is as of the packaged models, or one half for these faces",
        ),
        (
            _weight(len(faces), rate) < HARDLY,
            f"{len(faces)} crops with a face are too few to measure the score's threshold; it is "
            "near that of the packaged models",
        ),
    ]
    point = point or EXPECTED_POINT
    # A network that has learned little has wider heatmaps; its faces are not to be all rejected.
    face = face or Logistic(max(EXPECTED_FACE.middle, float(faces.mean())), EXPECTED_FACE.width)
    fallbacks = [sentence for in_doubt, sentence in doubts if in_doubt]
    return ConfidenceCalibration(point, face, min_score(face(faces), rate)), fallbacks


def _measured_logistic(inside: Floats, outside: Floats) -> Logistic | None:
    """The logistic that tells narrow heatmaps from wide ones; None where a class is empty, or the
    heatmaps of `inside` are hardly narrower."""
    if not (inside.size and outside.size):
        return None
    fitted = fit_logistic(inside, outside)
    return fitted if fitted.width >= MIN_WIDTH else None


def min_score(scores: Floats, rate: float) -> float:
    """The score that all but a fraction `rate` of faces reach, from the scores (N,) of some.

    Of few faces the quantile hangs on one or two: it is averaged, as a logit, with what is expected
    of it, by the square of the number of faces that it rejects; of thousands it is the quantile.
    """
    weight = _weight(len(scores), rate)
    quantile = np.clip(np.quantile(scores, rate), 1e-6, 1 - 1e-6)
    logit = weight * _logit(float(quantile)) + (1 - weight) * _logit(EXPECTED_MIN_SCORE)
    return float(1 / (1 + np.exp(-logit)))


def _weight(faces: int, rate: float) -> float:
    """How much the quantile of some faces counts beside what is expected of it, 0..1."""
    rejected = rate * faces
    return rejected**2 / (rejected**2 + EXPECTATION_FACES**2)


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def fit_logistic(inside: Floats, outside: Floats) -> Logistic:
    """The logistic that tells one class of numbers (any shape) from another, equally likely.

    Newton's method on the log-likelihood; the targets are pulled in by one count of each class, so
    that separable classes have a finite answer. Source: Platt (1999).
    Raises ValueError when a class is empty.
    """
    if not (inside.size and outside.size):
        raise ValueError("a logistic needs numbers of both classes")
    x = np.concatenate([inside.ravel(), outside.ravel()]).astype(np.float64)
    n, m = inside.size, outside.size
    target = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])
    weight = np.concatenate([np.full(n, 0.5 / n), np.full(m, 0.5 / m)])
    centre, scale = x.mean(), max(float(x.std()), 1e-9)
    columns = np.stack([(x - centre) / scale, np.ones_like(x)])
    slope_and_offset = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(slope_and_offset @ columns, -30, 30)))
        gradient = columns @ (weight * (target - p))
        curvature = (columns * (weight * p * (1 - p))) @ columns.T + 1e-9 * np.eye(2)
        slope_and_offset = slope_and_offset + np.clip(np.linalg.solve(curvature, gradient), -2, 2)
    slope, offset = (float(value) for value in slope_and_offset)
    if abs(slope) < 1e-9:
        slope = -1e-9  # the classes do not differ: one half everywhere near them
    width = float(-scale / slope)
    return Logistic(float(centre + offset * width), width)


def rates(measured: Deviations, calibration: ConfidenceCalibration) -> dict[str, float]:
    """How the threshold divides the crops: numbers of crops, and in percent the true-positive
    rate (faces at or above it) and the true-negative rate (negatives below it)."""
    accepted = calibration.face(measured.faces.mean(axis=1)) >= calibration.min_score
    rejected = calibration.face(measured.negatives.mean(axis=1)) < calibration.min_score
    return {
        "face_crops": len(accepted),
        "true_positive_rate": 100 * float(accepted.mean()),
        "negative_crops": len(rejected),
        "true_negative_rate": 100 * float(rejected.mean()),
        "min_score": calibration.min_score,
    }
