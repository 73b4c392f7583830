"""Which labelled faces are looked at, which answer is theirs, and how good it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.root import read_root
from fkd.datasets.sample import BadSample, Sample
from fkd.datasets.split import split
from fkd.metrics import eye_frame, nme
from fkd.params import Prepare
from fkd.photo import PhotoError
from fkd.prepare import check_face
from fkd.preprocess import Image, to_grey
from fkd.score import OFFICIAL

Points = NDArray[np.floating]
# Answers that lie this far from the truth, in sides of its bounding square, or that are this much
# larger or smaller, are another face's.
NEAR, LARGEST_RATIO = 0.35, 1.7


@dataclass(frozen=True, eq=False)
class Labelled:
    """A photo, uint8 (H, W, 3) BGR, and its face's points (68, 2)."""

    image: Image
    points: Points


def labelled_sets(root: Path, prepare: Prepare) -> dict[str, list[Sample]]:
    """Samples by name of the test set, as `fkd score` names them; `<set>/train` are the others."""
    named: dict[str, list[Sample]] = {}
    parts = split(read_root(root), prepare.val, prepare.test, prepare.seed)
    suffixes = {"train": "/train", "test": "", "official": OFFICIAL}
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
            image, points = sample.read()
            check_face(to_grey(image), points, min_face)
        except (BadSample, PhotoError):
            continue  # as `prepare` does, whose report lists them
        faces.append(Labelled(image if image.ndim == 3 else np.stack([image] * 3, -1), points))
    return faces


def matching(found: Points, truth: Points) -> Points | None:
    """Which of some faces (K, P, 2) is the one with these points (68, 2), or None."""
    if not len(found):
        return None
    side, middle = side_and_middle(truth)
    seen = [side_and_middle(points) for points in found]
    distances = [float(np.linalg.norm(m - middle)) / side for _, m in seen]
    best = int(np.argmin(distances))
    ratio = seen[best][0] / side
    fits = distances[best] <= NEAR and 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO
    return found[best] if fits else None


def side_and_middle(points: Points) -> tuple[float, Points]:
    """Side and centre of the bounding square of points (P, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float((high - low).max()), (low + high) / 2


@dataclass(frozen=True)
class Score:
    """found: percent of faces. nme: of those, percent. aligned: the same after taking out the mean
    offset of each point in the frame of the eyes, which is the program's habit beside the set's.
    """

    faces: int
    found: float
    nme: float
    aligned: float


def score(found: list[Points | None], truth: list[Points], habit: Points) -> Score:
    """Figures of one program on one set; habit: (68, 2), from `habit_of` on other faces."""
    pairs = [(f, t) for f, t in zip(found, truth, strict=True) if f is not None]
    answers, true = np.array([f for f, _ in pairs]), np.array([t for _, t in pairs])
    aligned = (eye_frame(answers) - habit).astype(np.float32)
    in_frame = eye_frame(true, answers).astype(np.float32)
    return Score(
        faces=len(found),
        found=100 * len(pairs) / len(found),
        nme=float(nme(answers, true).mean()),
        aligned=float(nme(aligned, in_frame).mean()),
    )


def habit_of(found: list[Points | None], truth: list[Points]) -> Points:
    """The median offset (68, 2) of a program's points from the labels, in its eyes' frame."""
    pairs = [(f, t) for f, t in zip(found, truth, strict=True) if f is not None]
    answers, true = np.array([f for f, _ in pairs]), np.array([t for _, t in pairs])
    return np.asarray(np.median(eye_frame(answers) - eye_frame(true, answers), axis=0))


def nearest_of(mesh: list[Points | None], truth: list[Points]) -> list[int]:
    """For each of the 68 points which vertex of a mesh (P, 2) lies nearest to it on average."""
    pairs = [(m, t) for m, t in zip(mesh, truth, strict=True) if m is not None]
    sides = np.array([side_and_middle(t)[0] for _, t in pairs])
    distances = np.zeros((68, len(pairs[0][0])))
    for (vertices, points), side in zip(pairs, sides, strict=True):
        distances += np.linalg.norm(points[:, None] - vertices, axis=-1) / side
    return [int(vertex) for vertex in distances.argmin(axis=1)]
