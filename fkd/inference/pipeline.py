"""The walk of a photo: detect, crop, predict the points, refine, verify."""

from collections.abc import Sequence
from dataclasses import dataclass

from fkd.detection.haar import default_min_face
from fkd.detection.registry import Detector
from fkd.geometry import Box, Image
from fkd.geometry.boxes import iou
from fkd.geometry.crop import CropSpec, crop_batch
from fkd.inference.face import Face
from fkd.inference.timing import StepTimer
from fkd.models.output import Model

# A detection of at least this score, though too low for a face, is refined: predicted again in the
# reference box of its points. Badly placed boxes of faces have it, and one in a hundred boxes
# without a face.
MIN_REFINED_SCORE = 0.01
# So is one whose box shares less of its union with that reference box: 3 % of the detections
# around faces of the training folders, which come out 6 % better, and 95 % of misplaced ones.
WELL_ALIGNED_IOU = 0.6
# Boxes that share this much of their union are one face.
DUPLICATE_IOU = 0.3
# Crops that go through the network at once: onnxruntime keeps for good what its largest batch took,
# 1.5 MB a crop. Larger batches are not faster.
BATCH_SIZE = 16
# Detections of a photo that are examined, most neighbours first: with `base` on one core they take
# about two seconds. A school's photo has fewer.
MAX_DETECTIONS = 500


@dataclass(frozen=True)
class Found:
    """faces: of a photo, highest score first. detections_skipped: how many detections beyond
    MAX_DETECTIONS were not examined. confident: whether the detector alone was sure of a face."""

    faces: list[Face]
    detections_skipped: int
    confident: bool


@dataclass(frozen=True)
class Pipeline:
    """What finds the faces of a photo. min_face: smallest face searched for, pixels; None for the
    detector's own choice. min_score: lowest score of a face; None to verify nothing.
    """

    model: Model
    crop: CropSpec
    detector: Detector
    min_face: int | None
    min_score: float | None

    def search(self, grey: Image, timer: StepTimer) -> Found:
        """The faces of a grey photo."""
        found = self._search(grey, self.min_face, timer)
        if found.confident and not found.faces and self.min_face is None:
            # The detection that kept the detector from searching for smaller faces was none itself.
            found = self._search(grey, default_min_face(grey), timer)
        return found

    def _search(self, grey: Image, min_face: int | None, timer: StepTimer) -> Found:
        with timer.step("detect"):
            detections = self.detector(grey, min_face)
        examined = detections[:MAX_DETECTIONS]
        faces = self.predict(grey, [detection.box for detection in examined], timer)
        if self.min_score is not None and all(face.score is not None for face in faces):
            faces = self._refine(grey, faces, self.min_score, timer)
            faces = _verify(faces, self.min_score)
        confident = any(detection.confident for detection in examined)
        return Found(faces, len(detections) - len(examined), confident)

    def predict(self, grey: Image, boxes: Sequence[Box], timer: StepTimer) -> list[Face]:
        """One face for each box, whatever its score."""
        faces: list[Face] = []
        for first in range(0, len(boxes), BATCH_SIZE):
            faces += self._predict_batch(grey, boxes[first : first + BATCH_SIZE], timer)
        return faces

    def _predict_batch(self, grey: Image, boxes: Sequence[Box], timer: StepTimer) -> list[Face]:
        with timer.step("crop"):
            crops = crop_batch(((grey, box) for box in boxes), self.crop)
        with timer.step("points"):
            output = self.model(crops.pixels)
        points = crops.to_photo(output.points)
        return [
            Face(
                points[i],
                box,
                None if output.score is None else float(output.score[i]),
                None if output.confidence is None else output.confidence[i],
            )
            for i, box in enumerate(boxes)
        ]

    def _refine(
        self, grey: Image, faces: list[Face], min_score: float, timer: StepTimer
    ) -> list[Face]:
        """The faces, those of a low score and those in badly placed boxes predicted again in the
        reference box of their points; hopeless ones are left out."""
        hopeful = [face for face in faces if _score(face) >= min(MIN_REFINED_SCORE, min_score)]
        settled = [f for f in hopeful if _score(f) >= min_score and _well_aligned(f)]
        uncertain = [face for face in hopeful if face not in settled]
        return settled + self.predict(grey, [face.reference_box for face in uncertain], timer)


def _verify(faces: list[Face], min_score: float) -> list[Face]:
    """The faces of a high enough score, highest first, each once: loose boxes of the detector can
    frame one twice."""
    kept: list[Face] = []
    for face in sorted(faces, key=_score, reverse=True):
        duplicate = any(
            iou(face.reference_box, other.reference_box) > DUPLICATE_IOU for other in kept
        )
        if _score(face) >= min_score and not duplicate:
            kept.append(face)
    return kept


def _well_aligned(face: Face) -> bool:
    return iou(face.box, face.reference_box) >= WELL_ALIGNED_IOU


def _score(face: Face) -> float:
    return face.score or 0.0
