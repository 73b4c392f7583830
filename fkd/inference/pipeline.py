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

    def search(self, grey: Image, timer: StepTimer) -> list[Face]:
        """The faces of a grey photo, highest score first."""
        faces, confident = self._search(grey, self.min_face, timer)
        if confident and not faces and self.min_face is None:
            # The detection that kept the detector from searching for smaller faces was none itself.
            faces, _ = self._search(grey, default_min_face(grey), timer)
        return faces

    def _search(
        self, grey: Image, min_face: int | None, timer: StepTimer
    ) -> tuple[list[Face], bool]:
        """The faces, and whether the detector alone was confident of one."""
        with timer.step("detect"):
            detections = self.detector(grey, min_face)
        faces = self.predict(grey, [detection.box for detection in detections], timer)
        if self.min_score is not None and all(face.score is not None for face in faces):
            faces = self._refine(grey, faces, self.min_score, timer)
            faces = _verify(faces, self.min_score)
        return faces, any(detection.confident for detection in detections)

    def predict(self, grey: Image, boxes: Sequence[Box], timer: StepTimer) -> list[Face]:
        """One face for each box, whatever its score."""
        if not boxes:
            return []
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
