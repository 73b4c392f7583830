"""From labelled photos to training faces: split by person, check, detect, cut out."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.datasets.parallel import in_parallel
from fkd.datasets.params import DataParams, PrepareParams
from fkd.datasets.readers import synthetic
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset, BadSample, Sample, check_name
from fkd.datasets.split import TEST_PARTS, split
from fkd.datasets.store import LabelledFace
from fkd.detection.detections import match_detection
from fkd.detection.haar import find_faces
from fkd.geometry import Box, Image, Points
from fkd.geometry.boxes import reference_box
from fkd.geometry.crop import to_grey
from fkd.io.images import ImageError
from fkd.io.text import printable, shortened
from fkd.landmarks import OUTER_EYE_CORNERS, PointsError

# A face whose points leave the photo by more than this ratio of its own size is mislabelled or
# cut off beyond use; hand labels of faces at the border do reach a little outside.
FAR_OUTSIDE = 0.3
MAX_TEXT = 200  # characters of a rejected sample's name, and of the reason


@dataclass(frozen=True)
class Rejected:
    """A sample that was left out, and why: printable texts, the name and the reason cut short."""

    name: str
    subset: str
    reason: str


def read_parts(
    data: DataParams, prepare: PrepareParams, rejected: Collection[Rejected] = ()
) -> dict[str, list[Sample]]:
    """The samples of `data.root` by part of the split, and the test samples of `data.test_root`
    among those for testing, without those rejected before. Raises BadDataset."""
    left_out = {(one.subset, one.name) for one in rejected}
    found = [s for s in read_root(Path(data.root)) if (s.subset, _short(s.name)) not in left_out]
    roots = {Path(data.root).resolve()}
    if data.add_synthetic and not any(sample.synthetic for sample in found):
        found += read_root(synthetic.FOLDER)
        roots.add(synthetic.FOLDER.resolve())
    parts = split_samples(found, prepare)
    if Path(data.test_root).resolve() not in roots:
        others = split_samples(read_root(Path(data.test_root)), prepare)
        known = {sample.subset for sample in found}
        for part in TEST_PARTS:
            if clash := known & {sample.subset for sample in others[part]}:
                raise BadDataset(
                    f"{data.test_root}: a set {min(clash)} is in {data.root} too; rename one"
                )
            parts[part] += others[part]
    return parts


def split_samples(samples: list[Sample], prepare: PrepareParams) -> dict[str, list[Sample]]:
    """Samples by part of the split that these parameters make."""
    return split(samples, prepare.val_fraction, prepare.test_fraction, prepare.seed)


def prepare_faces(
    samples: Sequence[Sample], params: PrepareParams, whole_photo: bool = False
) -> Iterator[LabelledFace | Rejected]:
    """`prepare_face` over all samples in their order, on every core."""
    work = partial(prepare_face, params=params, whole_photo=whole_photo)
    return in_parallel(work, samples, params.num_workers)


def prepare_face(
    sample: Sample, params: PrepareParams, whole_photo: bool = False
) -> LabelledFace | Rejected:
    """A sample's face with both of its boxes, or why there is none.

    whole_photo: keep all of the photo, as testing wants it, and not only the face chip.
    """
    try:
        check_name(sample.name)
        image, points, truth = sample.read()
        grey = to_grey(image)
        check_face(grey, points, params.min_face)
    except (BadSample, PointsError, ImageError) as error:
        return Rejected(_short(sample.name), sample.subset, _short(str(error)))
    reference = reference_box(points)
    detection = match_detection(find_faces(grey), reference)
    detected = detection.box if detection else None
    ratio = params.max_face / max((detected or reference)[2:])
    if ratio < 1:
        grey, points, zooms = _shrunk(grey, points, ratio)
        truth = truth and truth.enlarged(float(zooms.mean()))
        reference = reference_box(points)
        detected = _scaled(detected, zooms) if detected else None
    x, y, chip = 0, 0, grey
    if not whole_photo:
        x, y, chip = face_chip(grey, [detected or reference, reference], params.margin)
    return LabelledFace(
        name=sample.name,
        subset=sample.subset,
        identity=sample.identity,
        grey=chip,
        points=points - np.array([x, y], np.float32),
        reference_box=_moved(reference, x, y),
        detector_box=_moved(detected, x, y) if detected else None,
        synthetic=sample.synthetic,
        truth=truth,
    )


def _short(text: str) -> str:
    return shortened(printable(text), MAX_TEXT)


def check_face(grey: Image, points: Points, min_face: int) -> None:
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


def face_chip(grey: Image, boxes: list[Box], margin: float) -> tuple[int, int, Image]:
    """The part of a photo around boxes, `margin` sides of each: its corner (x, y) and pixels."""
    x, y, width, height = np.array(boxes, float).T
    half = margin * np.maximum(width, height) / 2
    left = max(0, int((x + width / 2 - half).min()))
    top = max(0, int((y + height / 2 - half).min()))
    right = min(grey.shape[1], int(np.ceil((x + width / 2 + half).max())))
    bottom = min(grey.shape[0], int(np.ceil((y + height / 2 + half).max())))
    return left, top, grey[top:bottom, left:right].copy()  # a view would keep the whole photo


def _shrunk(grey: Image, points: Points, ratio: float) -> tuple[Image, Points, NDArray[np.float64]]:
    """A photo and its points at a ratio of its size, and the exact ratios of width and height."""
    size = round(grey.shape[1] * ratio), round(grey.shape[0] * ratio)
    zooms = np.array([size[0] / grey.shape[1], size[1] / grey.shape[0]])
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, ((points + 0.5) * zooms - 0.5).astype(np.float32), zooms


def _scaled(box: Box, zooms: NDArray[np.float64]) -> Box:
    x, y, width, height = box
    across, down = float(zooms[0]), float(zooms[1])
    return round(x * across), round(y * down), round(width * across), round(height * down)


def _moved(box: Box, x: int, y: int) -> Box:
    return box[0] - x, box[1] - y, box[2], box[3]
