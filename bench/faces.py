"""Which labelled faces are looked at, which answer is theirs, and how good it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.exchange import BenchError
from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import check_face, split_samples
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadSample, Sample
from fkd.evaluation.benchmark import OFFICIAL_SUFFIX
from fkd.evaluation.metrics import nme
from fkd.geometry import Image
from fkd.geometry.alignment import eye_frame
from fkd.geometry.crop import to_grey
from fkd.io.images import ImageError
from fkd.landmarks import PointsError

Points = NDArray[np.floating]
# Answers that lie this far from the truth, in sides of its bounding square, or that are this much
# larger or smaller, are another face's.
NEAR, LARGEST_RATIO = 0.35, 1.7


@dataclass(frozen=True, eq=False)
class Labelled:
    """A photo, uint8 (H, W, 3) BGR, and its face's points (68, 2)."""

    image: Image
    points: Points


@dataclass(frozen=True, eq=False)
class Faces:
    """A test set's faces, and some of the same data set's training faces."""

    test: list[Labelled]
    train: list[Labelled]


def labelled_sets(root: Path, prepare: PrepareParams) -> dict[str, list[Sample]]:
    """Samples by name of the test set, as `fkd score` names them; `<set>/train` are the others."""
    named: dict[str, list[Sample]] = {}
    parts = split_samples(read_root(root), prepare)
    suffixes = {"train": "/train", "test": "", "official": OFFICIAL_SUFFIX}
    for part, suffix in suffixes.items():
        for sample in parts[part]:
            named.setdefault(sample.subset + suffix, []).append(sample)
    return named


def read_faces(samples: list[Sample], count: int, min_face: int) -> list[Labelled]:
    """Up to `count` usable faces, taken evenly; 0 for all."""
    step = max(1, len(samples) // count) if count else 1
    chosen = samples[::step][:count] if count else samples
    faces = []
    for sample in chosen:
        try:
            image, points, _ = sample.read()
            check_face(to_grey(image), points, min_face)
        except (BadSample, PointsError, ImageError):
            continue  # as `prepare` does, whose report lists them
        faces.append(Labelled(image if image.ndim == 3 else np.stack([image] * 3, -1), points))
    return faces


def matching(found: Points, truth: Points) -> Points | None:
    """Which of some faces (K, P, 2) is the one with these points (68, 2), or None: the nearest of
    those of about its size."""
    side, middle = side_and_middle(truth)
    best, nearest = None, NEAR * side
    for points in found:
        of, place = side_and_middle(points)
        distance = float(np.linalg.norm(place - middle))
        if distance <= nearest and 1 / LARGEST_RATIO <= of / side <= LARGEST_RATIO:
            best, nearest = points, distance
    return best


def side_and_middle(points: Points) -> tuple[float, Points]:
    """Side and centre of the bounding square of points (P, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float((high - low).max()), (low + high) / 2


@dataclass(frozen=True)
class Score:
    """found: percent of faces. nme: of those that all programs find, percent. aligned: the same
    after taking out the median offset of each point in the frame of the eyes, which is the
    program's annotation bias beside the set's.
    """

    faces: int
    found: float
    nme: float
    aligned: float


def found_by_all(answers: list[list[Points | None]]) -> NDArray[np.bool_]:
    """Which faces every program found, bool (N,), from the programs' answers (N) each."""
    known = np.array([[points is not None for points in of] for of in answers])
    return np.asarray(known.all(axis=0))


def score(
    found: list[Points | None], truth: list[Points], bias: Points, compared: NDArray[np.bool_]
) -> Score:
    """Figures of one program on one set.

    bias: (68, 2), from `bias_of` on other faces. compared: of `found_by_all`. Raises BenchError
    when there are none.
    """
    answers, true = _side_by_side(
        [f if c else None for f, c in zip(found, compared, strict=True)], truth
    )
    aligned = (eye_frame(answers) - bias).astype(np.float32)
    in_frame = eye_frame(true, answers).astype(np.float32)
    return Score(
        faces=len(found),
        found=100 * sum(f is not None for f in found) / len(found),
        nme=float(nme(answers, true).mean()),
        aligned=float(nme(aligned, in_frame).mean()),
    )


def bias_of(found: list[Points | None], truth: list[Points]) -> Points:
    """The median offset (68, 2) of a program's points from the labels, in its eyes' frame."""
    answers, true = _side_by_side(found, truth)
    return np.asarray(np.median(eye_frame(answers) - eye_frame(true, answers), axis=0))


def nearest_of(mesh: list[Points | None], truth: list[Points]) -> list[int]:
    """For each of the 68 points which vertex of a mesh (P, 2) lies nearest to it on average."""
    meshes, true = _side_by_side(mesh, truth)
    distances = np.zeros((68, meshes.shape[1]))
    for vertices, points in zip(meshes, true, strict=True):
        distances += (
            np.linalg.norm(points[:, None] - vertices, axis=-1) / side_and_middle(points)[0]
        )
    return [int(vertex) for vertex in distances.argmin(axis=1)]


def _side_by_side(found: list[Points | None], truth: list[Points]) -> tuple[Points, Points]:
    """The answers that there are, (N, P, 2), and the true points of their faces, (N, 68, 2)."""
    pairs = [(f, t) for f, t in zip(found, truth, strict=True) if f is not None]
    if not pairs:
        raise BenchError("no face of a set was found by every program that is compared on it")
    return np.array([f for f, _ in pairs]), np.array([t for _, t in pairs])
