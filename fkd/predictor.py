"""Photo in, faces out."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.certainty import Answer, Network
from fkd.detect import SURE, find_faces, habit_box, smallest_face
from fkd.model_info import ModelError, ModelInfo, find_model
from fkd.onnx_model import open_onnx
from fkd.preprocess import Box, Crop, Image, crop_face, to_grey, to_photo

BACKENDS = ("onnx", "torch")
DETECTORS = ("haar", "none")
# A box of at least this score, though too low for a face, is looked at again where its points are:
# badly placed boxes of faces have it, and one in a hundred boxes without a face.
DOUBTFUL = 0.01
# So is one that shares less of its union with the box of its points: 3 % of the detector's boxes
# around faces of the training folders, which come out 6 % better, and 95 % of misplaced ones.
FRAMED = 0.6
# Boxes that share this much of their union are one face.
SAME_FACE = 0.3


class LicenceWarning(UserWarning):
    """The weights of a model that was opened have another licence than the code."""


@dataclass(frozen=True, eq=False)
class Face:
    """A found face. points: float32 (68, 2), photo pixels, centres at integers. box: (x, y, width,
    height), photo pixels. score: how likely the box frames a face, 0..1. confidence: float32 (68,),
    how likely each point is right (`Certainty`); both None for a network without maps. id: the same
    for one face through the frames of a film (`Tracker`), None in a photo.
    """

    points: NDArray[np.float32]
    box: Box
    score: float | None
    confidence: NDArray[np.float32] | None
    id: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON, points rounded to a hundredth of a pixel."""
        sure = self.confidence
        return {
            "box": list(self.box),
            "score": None if self.score is None else round(self.score, 4),
            "points": np.round(self.points.astype(float), 2).tolist(),
            "confidence": None if sure is None else np.round(sure.astype(float), 3).tolist(),
            **({} if self.id is None else {"id": self.id}),
        }


@dataclass(frozen=True)
class Analysis:
    """The faces of a photo and what each step took, milliseconds by "detect", "crop", "points"."""

    faces: list[Face]
    milliseconds: dict[str, float]


class Predictor:
    """Finds faces and their 68 points.

    model: a packaged model's name, or the path of an .onnx file (or .pt for the torch backend); by
    default the packaged one. backend: "onnx" or "torch". detector: "haar", or "none" when each
    photo is one face that fills it. threads: 0 for the libraries' own choice. min_face: smallest
    face that is looked for, pixels; by default 5.5 % of the photo's longer side, and none much
    smaller than one that is surely there (`find_faces`). min_score: lowest
    score of a detected face, 0..1; by default the model's own threshold.
    Raises ModelError when the model cannot be used, ValueError for an unknown choice. Warns
    (LicenceWarning) when the licence of the weights is not that of the code.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        backend: str = "onnx",
        detector: str = "haar",
        threads: int = 0,
        min_face: int | None = None,
        min_score: float | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
        if detector not in DETECTORS:
            raise ValueError(f"detector {detector!r} is not one of {', '.join(DETECTORS)}")
        if threads:
            cv2.setNumThreads(threads)
        opened = open_onnx if backend == "onnx" else _open_torch
        self.network, self.info = opened(find_model(model), threads)
        if self.info.notice:
            warnings.warn(f"{model}: {self.info.notice}", LicenceWarning, stacklevel=2)
        self.detector = detector
        self.min_face = min_face
        self.min_score = self.info.min_score if min_score is None else min_score

    def __call__(self, image: Image, boxes: Sequence[Box] | None = None) -> list[Face]:
        """The faces of a photo, best first; or one face for each given box, in their order and
        whatever their score.

        image: uint8, (H, W) grey or (H, W, 3) BGR. boxes: (x, y, width, height) in photo pixels,
        in the detector's habit. Raises ValueError for another kind of image or an empty box.
        """
        return self.analyse(image, boxes).faces

    def analyse(self, image: Image, boxes: Sequence[Box] | None = None) -> Analysis:
        """As calling, with the time each step took."""
        taken = {"detect": 0.0, "crop": 0.0, "points": 0.0}
        grey = to_grey(_checked(image))
        if boxes is not None:
            given = [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]
            faces = self._look(grey, given, taken)
        elif self.detector == "none":
            faces = self._look(grey, [(0, 0, grey.shape[1], grey.shape[0])], taken)
        else:
            faces = self._search(grey, taken)
        return Analysis(faces, {step: round(1000 * spent, 3) for step, spent in taken.items()})

    def _look(self, grey: Image, boxes: list[Box], taken: dict[str, float]) -> list[Face]:
        """What the network says of each box; its seconds are added to `taken`."""
        if not boxes:
            return []
        started = time.perf_counter()
        crops = [crop_face(grey, box, self.info.crop) for box in boxes]
        cropped = time.perf_counter()
        answer = self.network(np.stack([crop.pixels[None] for crop in crops]))
        taken["crop"] += cropped - started
        taken["points"] += time.perf_counter() - cropped
        return _faces(answer, crops, boxes)

    def _search(self, grey: Image, taken: dict[str, float]) -> list[Face]:
        """The faces that the detector finds and the network takes for such."""
        faces, sure = self._found(grey, self.min_face, taken)
        if sure and not faces and self.min_face is None:
            # What ended the search for smaller faces was none itself.
            faces, _ = self._found(grey, smallest_face(grey), taken)
        return faces

    def _found(
        self, grey: Image, min_face: int | None, taken: dict[str, float]
    ) -> tuple[list[Face], bool]:
        """Verified faces, and whether the detector alone was sure of one."""
        started = time.perf_counter()
        found = find_faces(grey, min_face)
        taken["detect"] += time.perf_counter() - started
        faces = self._look(grey, [face.box for face in found], taken)
        return self._verified(grey, faces, taken), any(face.hits >= SURE for face in found)

    def _verified(self, grey: Image, faces: list[Face], taken: dict[str, float]) -> list[Face]:
        """The faces whose score is high enough, highest first, each once: the detector's loose
        boxes can frame one twice. Doubtful and badly framed ones are looked at again, in a box
        around their points. All as they are where there are no scores."""
        lowest = self.min_score
        if lowest is None or any(face.score is None for face in faces):
            return faces
        settled = [face for face in faces if _score(face) >= lowest and _framed(face)]
        least = min(DOUBTFUL, lowest)
        open_ones = [face for face in faces if _score(face) >= least and face not in settled]
        again = self._look(grey, [habit_box(face.points) for face in open_ones], taken)
        kept: list[Face] = []
        for face in sorted([*settled, *again], key=_score, reverse=True):
            if _score(face) < lowest:
                break
            box = habit_box(face.points)
            if not any(overlap(box, habit_box(other.points)) > SAME_FACE for other in kept):
                kept.append(face)
        return kept


def _framed(face: Face) -> bool:
    """Whether the box is about where a detector would put it for these points."""
    return overlap(face.box, habit_box(face.points)) >= FRAMED


def _score(face: Face) -> float:
    return face.score or 0.0


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)


def _faces(answer: Answer, crops: list[Crop], boxes: list[Box]) -> list[Face]:
    return [
        Face(
            to_photo(answer.points[i], crop.transform),
            box,
            None if answer.score is None else float(answer.score[i]),
            None if answer.confidence is None else answer.confidence[i],
        )
        for i, (crop, box) in enumerate(zip(crops, boxes, strict=True))
    ]


def _checked(image: Image) -> Image:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"image: uint8 (H, W) or (H, W, 3) expected, not {image.dtype} {image.shape}"
        )
    if image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(f"image: 3 channels in BGR order expected, not {image.shape[2]}")
    return image


def _open_torch(path: Path, threads: int) -> tuple[Network, ModelInfo]:
    """A checkpoint (.pt, or the one beside an .onnx) as a function of crops. Raises ModelError."""
    try:
        from fkd.training import answers, checkpoint
    except ModuleNotFoundError as error:
        raise ModelError(
            f"backend torch: {error.name} is not installed; pip install 'fkd[train]'"
        ) from None
    weights = path.with_suffix(".pt")
    if not weights.is_file():
        raise ModelError(f"{weights}: backend torch needs this checkpoint, which train writes")
    try:
        loaded = checkpoint.load_checkpoint(weights)
        net, certainty = loaded.network(), checkpoint.load_certainty(weights)
    except checkpoint.CheckpointError as error:
        raise ModelError(str(error)) from None
    info = ModelInfo(
        loaded.crop, loaded.model, loaded.about, {}, certainty.min_score if certainty else None
    )
    return answers.torch_network(net, certainty, threads), info
