"""Photos that nobody labelled, with the points that a teacher gives their faces."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected, prepare_face
from fkd.datasets.sample import LabelledPhoto, Sample
from fkd.datasets.store import LabelledFace
from fkd.geometry import Box, Image, Points
from fkd.geometry.crop import to_grey
from fkd.geometry.roll import Frame
from fkd.inference.pipeline import Pipeline
from fkd.inference.predictor import Predictor
from fkd.inference.timing import StepTimer
from fkd.io.config import Section
from fkd.io.folders import photos_below
from fkd.io.images import ImageError, read_image
from fkd.landmarks import OUTER_EYE_CORNERS, flip_points


class UnlabelledParams(Section):
    """How photos without labels become training faces."""

    teacher: Annotated[
        str,
        Field(description="A packaged model or an .onnx file that gives the faces their points."),
    ]
    crops: Annotated[
        int,
        Field(
            ge=2,
            description="The teacher looks so often at a face, each time in another box and once "
            "mirrored; the mean is taken.",
        ),
    ]
    shift: Annotated[
        float, Field(ge=0, le=0.5, description="Of those boxes, to all sides, in box sides.")
    ]
    scale: Annotated[
        float, Field(ge=0, le=0.5, description="Of their sides, evenly up to this log ratio.")
    ]
    max_disagreement: Annotated[
        float,
        Field(
            gt=0,
            description="Faces are left out where the teacher's answers lie further from their "
            "mean, on average, in percent of the outer eye distance.",
        ),
    ]
    seed: Annotated[int, Field(ge=0, description="Of the boxes.")]


class Aims(NamedTuple):
    """What a teacher makes of a face. points: float32 (68, 2), photo pixels, the mean of its
    answers. disagreement: how much they scatter, percent of the outer eye distance."""

    points: Points
    disagreement: float


def unlabelled_faces(
    folder: Path, params: UnlabelledParams, prepare: PrepareParams
) -> Iterator[LabelledFace | Rejected]:
    """The faces of the photos below a folder with the points of the teacher, as training faces;
    what is left out, with the reason. Raises ModelError."""
    predictor = Predictor(params.teacher, detector="neural")
    photos, _ = photos_below(folder)
    for number, photo in enumerate(photos):
        name = str(photo.relative_to(folder))
        rng = np.random.default_rng([params.seed, number])
        try:
            grey = to_grey(read_image(photo))
        except ImageError as error:
            yield Rejected(name, folder.name, str(error))
            continue
        found = predictor(grey)
        if not found:
            yield Rejected(name, folder.name, "no face was found")
        for index, face in enumerate(found):
            aims = look_often(rng, grey, face.reference_box, predictor.pipeline, params)
            read = partial(LabelledPhoto, grey, aims.points)
            sample = Sample(f"{name}#{index}", folder.name, name, False, read)
            if aims.disagreement > params.max_disagreement:
                reason = f"the teacher's answers scatter by {aims.disagreement:.1f} %"
                yield Rejected(sample.name, sample.subset, reason)
            else:
                yield prepare_face(sample, prepare)


def look_often(
    rng: np.random.Generator, grey: Image, box: Box, pipeline: Pipeline, params: UnlabelledParams
) -> Aims:
    """What a teacher answers to jittered boxes of a face and to its mirror image.

    grey: uint8 (H, W). box: photo pixels.
    """
    width = grey.shape[1]
    boxes = [_jittered(rng, box, params) for _ in range(params.crops)]
    mirrored = [(width - x - w, y, w, h) for x, y, w, h in boxes]
    answers = _points(pipeline, grey, boxes)
    others = _points(pipeline, np.ascontiguousarray(grey[:, ::-1]), mirrored)
    every = np.concatenate([answers, flip_points(others, width)])
    points = every.mean(axis=0)
    right, left = points[list(OUTER_EYE_CORNERS)]
    scatter = np.linalg.norm(every - points, axis=-1).mean()
    return Aims(points.astype(np.float32), float(100 * scatter / np.linalg.norm(right - left)))


def _points(pipeline: Pipeline, grey: Image, boxes: Sequence[Box]) -> Points:
    faces = pipeline.predict(grey, [Frame(box) for box in boxes], StepTimer())
    return np.stack([face.points for face in faces])


def _jittered(rng: np.random.Generator, box: Box, params: UnlabelledParams) -> Box:
    x, y, side, _ = box
    right, down = rng.uniform(-params.shift, params.shift, 2) * side
    larger = side * (np.exp(rng.uniform(-params.scale, params.scale)) - 1)
    new = round(side + larger)
    return round(x + right - larger / 2), round(y + down - larger / 2), new, new
