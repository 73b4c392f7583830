"""Scoring a landmark model: the same code for torch and ONNX, for validation and for tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fkd.datasets.store import LabelledFace, subsets_of
from fkd.evaluation.metrics import auc, failure_rate, nme, point_errors
from fkd.geometry import Box, Points
from fkd.geometry.crop import CropSpec, crop_batch, crop_face, to_crop, zoom_of
from fkd.io.config import Section
from fkd.landmarks import GROUPS
from fkd.models.output import Model, ModelOutput, concatenate

BATCH = 64
NME_THRESHOLD = 8.0  # percent; what `fkd score` scores with


class EvaluateParams(Section):
    """What counts as a failure."""

    nme_threshold: Annotated[
        float,
        Field(
            gt=0, description="Of AUC and failure rate: NME in percent above which a face fails."
        ),
    ]


@dataclass(frozen=True)
class Scores:
    """How well some faces were found. NME in percent of the outer eye distance.

    faces: how many were scored. auc: 0..1 at the threshold; failure_rate: percent above it.
    regions: mean error of each group of points.
    """

    faces: int
    nme: float
    median: float
    auc: float
    failure_rate: float
    regions: dict[str, float]


def predict(
    faces: Sequence[LabelledFace], boxes: Sequence[Box], model: Model, spec: CropSpec
) -> ModelOutput:
    """The output for each face (at least one) in its box, points and depth in pixels of its
    picture."""
    outputs = []
    for start in range(0, len(faces), BATCH):
        part = slice(start, start + BATCH)
        greys = [face.grey for face in faces[part]]
        crops = crop_batch(zip(greys, boxes[part], strict=True), spec)
        output = model(crops.pixels)
        output = output._replace(points=crops.to_photo(output.points))
        if output.depth is not None:
            zooms = np.array([zoom_of(transform) for transform in crops.transforms], np.float32)
            output = output._replace(depth=output.depth / zooms[:, None])
        outputs.append(output)
    return concatenate(outputs)


def face_crops(faces: Sequence[LabelledFace], spec: CropSpec) -> NDArray[np.uint8]:
    """The model's input for some faces (at least one): uint8 (N, 1, S, S)."""
    return crop_batch(((face.grey, face.box) for face in faces), spec).pixels


def mean_shape(faces: Sequence[LabelledFace], spec: CropSpec) -> Points:
    """The mean of the points (68, 2) in crop pixels: the answer of a model that sees nothing."""
    placed = [to_crop(f.points, crop_face(f.grey, f.box, spec).transform) for f in faces]
    return np.asarray(np.mean(placed, axis=0, dtype=np.float64), np.float32)


def constant_model(points_crop: Points) -> Model:
    """A model that answers the same points (68, 2) to every crop."""
    return lambda pixels: ModelOutput(
        np.broadcast_to(points_crop, (len(pixels), *points_crop.shape))
    )


def validation_nme(faces: Sequence[LabelledFace], model: Model, spec: CropSpec) -> float:
    """Mean NME (percent) over the faces of each set, in the boxes that training uses; of several
    sets the mean, so that a small one counts as much as a large one."""
    predicted = predict(faces, [face.box for face in faces], model, spec)
    each, subsets = nme(predicted.points, annotated(faces)), np.array(subsets_of(faces))
    return float(np.mean([each[subsets == subset].mean() for subset in np.unique(subsets)]))


def annotated(faces: Sequence[LabelledFace]) -> Points:
    """The annotated points, float32 (N, 68, 2), pixels of each picture."""
    return np.stack([face.points for face in faces])


def score(predicted: Points, true: Points, threshold: float) -> Scores:
    """Scores of predictions (N, 68, 2) against the truth of the same shape, at least one face."""
    errors = 100 * point_errors(predicted, true)
    each = nme(predicted, true)
    return Scores(
        faces=len(each),
        nme=float(each.mean()),
        median=float(np.median(each)),
        auc=auc(each, threshold),
        failure_rate=failure_rate(each, threshold),
        regions={name: float(errors[:, group].mean()) for name, group in GROUPS.items()},
    )
