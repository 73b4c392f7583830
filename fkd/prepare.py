"""From labelled photos to training faces: check, find the face, cut it out."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.datasets.sample import BadSample, Sample
from fkd.datasets.store import Face
from fkd.detect import find_faces, habit_box, habit_errors, matching
from fkd.landmarks import OUTER_EYE_CORNERS
from fkd.params import Prepare
from fkd.photo import PhotoError
from fkd.preprocess import Box, Image, to_grey

NO_BOX = (np.nan, np.nan, np.nan)

# A face whose points leave the photo by more than this share of its own size is mislabelled or
# cut off beyond use; hand labels of faces at the border do reach a little outside.
FAR_OUTSIDE = 0.3


A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Rejected:
    """A sample that was left out, and why."""

    name: str
    subset: str
    reason: str


def prepare_faces(samples: list[Sample], params: Prepare) -> Iterator[Face | Rejected]:
    """`prepare_face` over all samples in their order, on every core."""
    return in_parallel(partial(prepare_face, params=params), samples, params.processes)


def in_parallel(work: Callable[[A], B], items: Iterable[A], processes: int) -> Iterator[B]:
    """Results in the order of the items, so that they do not depend on the number of processes."""
    count = processes or os.cpu_count() or 1
    if count == 1:
        yield from map(work, items)
        return
    # Not forked: OpenCV's threads do not survive that. Not a Pool: it waits forever for a worker
    # that was killed.
    with ProcessPoolExecutor(
        count,
        mp_context=get_context("forkserver"),
        initializer=cv2.setNumThreads,
        initargs=(1,),
    ) as pool:
        yield from pool.map(work, items, chunksize=8)


def prepare_face(sample: Sample, params: Prepare) -> Face | Rejected:
    """The cut-out of a sample's face with both of its boxes, or why there is none."""
    try:
        image, points = sample.read()
        grey = to_grey(image)
        check_face(grey, points, params.min_face)
    except (BadSample, PhotoError) as error:
        return Rejected(sample.name, sample.subset, str(error))
    annotation = habit_box(points)
    found = matching(find_faces(grey), points)
    box = found.box if found else annotation
    zoom = min(1.0, params.max_face / max(box[2:]))
    if zoom < 1.0:
        size = (round(grey.shape[1] * zoom), round(grey.shape[0] * zoom))
        zooms = np.array([size[0] / grey.shape[1], size[1] / grey.shape[0]])
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
        points = ((points + 0.5) * zooms - 0.5).astype(np.float32)
        annotation = habit_box(points)
        box = _scaled(box, zooms)
    x, y, cut = cut_out(grey, [box, annotation], params.room)
    return Face(
        name=sample.name,
        subset=sample.subset,
        identity=sample.identity,
        grey=cut,
        points=points - np.array([x, y], np.float32),
        annotation_box=_moved(annotation, x, y),
        detector_box=_moved(box, x, y) if found else None,
        drawn=sample.drawn,
    )


def check_face(grey: Image, points: NDArray[np.float32], min_face: int) -> None:
    """Raises BadSample when the points leave the photo far, the face is too small or has no eyes.

    grey: uint8 (H, W). points: float32 (68, 2) of it. min_face: side of the bounding square, px.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max())
    if side < min_face:
        raise BadSample(f"the face is {side:.0f} px, smaller than {min_face}")
    right_eye, left_eye = points[list(OUTER_EYE_CORNERS)]
    if float(np.linalg.norm(right_eye - left_eye)) < 1:
        raise BadSample("both outer eye corners are at one place")
    height, width = grey.shape
    outside = max(-low.min(), high[0] - (width - 1), high[1] - (height - 1))
    if outside > FAR_OUTSIDE * side:
        raise BadSample(f"a point lies {outside:.0f} px outside the picture")


def cut_out(grey: Image, boxes: list[Box], room: float) -> tuple[int, int, Image]:
    """The part of a photo around boxes, `room` box sides for each: its corner (x, y) and pixels."""
    x, y, width, height = np.array(boxes, float).T
    half = room * np.maximum(width, height) / 2
    left = max(0, int((x + width / 2 - half).min()))
    top = max(0, int((y + height / 2 - half).min()))
    right = min(grey.shape[1], int(np.ceil((x + width / 2 + half).max())))
    bottom = min(grey.shape[0], int(np.ceil((y + height / 2 + half).max())))
    return left, top, grey[top:bottom, left:right].copy()  # a view would keep the whole photo


@dataclass(frozen=True)
class DetectorHabit:
    """How the detector frames the faces of a set, beside what `detect.habit_box` assumes.

    recall: share of faces found, 0..1. right, below: mean and standard deviation of the shift of
    its boxes from the habit's, in habit box sides. size: the same of the ratio of sides.
    """

    faces: int
    recall: float
    right: tuple[float, float]
    below: tuple[float, float]
    size: tuple[float, float]


def measure_detector(faces: list[Face]) -> DetectorHabit:
    """Recall and box scatter over some faces (at least one)."""
    boxes = [(face.detector_box, face.points) for face in faces if face.detector_box]
    errors = np.array([habit_errors(box, points) for box, points in boxes] or [NO_BOX])
    mean, spread = errors.mean(axis=0), errors.std(axis=0)
    right, below, size = ((float(m), float(s)) for m, s in zip(mean, spread, strict=True))
    return DetectorHabit(len(faces), len(boxes) / len(faces), right, below, size)


def _scaled(box: Box, zooms: NDArray[np.float64]) -> Box:
    x, y, width, height = box
    across, down = float(zooms[0]), float(zooms[1])
    return round(x * across), round(y * down), round(width * across), round(height * down)


def _moved(box: Box, x: int, y: int) -> Box:
    return box[0] - x, box[1] - y, box[2], box[3]
