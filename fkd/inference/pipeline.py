"""The walk of a photo: detect, crop, predict the points, refine, verify."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from fkd.detection.detections import Detector
from fkd.geometry import Image
from fkd.geometry.boxes import iou
from fkd.geometry.crop import CropSpec, crop_batch, zoom_of
from fkd.geometry.pose import Pose
from fkd.geometry.roll import LARGEST_UPRIGHT_ROLL, Frame, wrapped
from fkd.inference.face import Face
from fkd.inference.looks import Look, Seen, beside, certainty_of, quarters, surest
from fkd.inference.timing import StepTimer
from fkd.models.output import Model, ModelOutput

# A detection of at least this score, though too low for a face, is refined: predicted again in the
# reference box of its points. Badly placed boxes of faces have it, and one in a hundred boxes
# without a face.
MIN_REFINED_SCORE = 0.01
# So is one whose box shares less of its union with that reference box: 3 % of the detections
# around faces of the training folders, which come out 6 % better, and 95 % of misplaced ones.
WELL_ALIGNED_IOU = 0.6
# When no face is found by default, smaller ones are searched for in about this time: an octave is
# begun only when it will end in time, taking OCTAVE_TIME times as long as the one before.
SMALLER_SECONDS = 3.0
OCTAVE_TIME = 4
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
    """faces: of a photo, highest score first. min_face: the smallest side of a face box that was
    searched for, pixels. detections_skipped: how many detections beyond MAX_DETECTIONS were not
    examined."""

    faces: list[Face]
    min_face: int
    detections_skipped: int


@dataclass(frozen=True)
class Pipeline:
    """What finds the faces of photos. min_score: lowest score of a face; None to verify nothing."""

    model: Model
    crop: CropSpec
    detector: Detector
    min_score: float | None

    def search(self, grey: Image, timer: StepTimer, min_face: int | None = None) -> Found:
        """The faces of a grey photo, uint8 (H, W). min_face: smallest face searched for, pixels; by
        default the detector's own choice, and smaller ones where that finds nothing, for about
        SMALLER_SECONDS."""
        return self.search_all([grey], timer, min_face)[0]

    def search_all(
        self, greys: Sequence[Image], timer: StepTimer, min_face: int | None = None
    ) -> list[Found]:
        """`search` in several photos, whose crops go through the network together."""
        found = self._search(greys, timer, min_face)
        if min_face is not None:
            return found
        return [self._go_on(grey, one, timer) for grey, one in zip(greys, found, strict=True)]

    def _go_on(self, grey: Image, found: Found, timer: StepTimer) -> Found:
        """What is found when the search goes on to smaller faces, in the time there is for it, as
        long as there is no face, or one that is smaller than what was searched for and so was found
        by chance."""
        default = self.detector.default_min_face(grey)
        started, took = time.perf_counter(), 0.0
        for min_face in [default, *self.detector.smaller_min_faces(grey)]:
            # A confident detection, face or not, may have ended the first search above the default.
            smallest = min(found.min_face, default)
            if found.faces and all(face.reference_box[2] >= smallest for face in found.faces):
                break
            begun = time.perf_counter()
            if begun - started + OCTAVE_TIME * took > SMALLER_SECONDS:
                break
            if min_face < found.min_face:
                (found,) = self._search([grey], timer, min_face)
                took = time.perf_counter() - begun
        return found

    def _search(
        self, greys: Sequence[Image], timer: StepTimer, min_face: int | None
    ) -> list[Found]:
        with timer.step("detect"):
            searches = [self.detector.search(grey, min_face) for grey in greys]
        examined = [search.detections[:MAX_DETECTIONS] for search in searches]
        looks = [[Look(one.frame, certainty_of(one)) for one in of_photo] for of_photo in examined]
        seen = self._first_looks(greys, looks, timer)
        if self.min_score is None or any(one.face.score is None for of in seen for one in of):
            faces = [[one.face for one in of_photo] for of_photo in seen]
        else:
            faces = self._verified(greys, seen, self.min_score, timer)
        return [
            Found(of_photo, search.min_face, len(search.detections[MAX_DETECTIONS:]))
            for of_photo, search in zip(faces, searches, strict=True)
        ]

    def _first_looks(
        self, greys: Sequence[Image], looks: Sequence[Sequence[Look]], timer: StepTimer
    ) -> list[list[Seen]]:
        """What the network sees where the detector is about as sure as of the photo's surest; then
        elsewhere, as far as that is worth it beside the faces there are. looks: most certain
        first."""
        sure = [surest(of_photo) for of_photo in looks]
        seen = self._see(greys, sure, timer)
        rest = [
            beside(of_photo[len(first) :], [one for one in first if self._is_face(one)])
            for of_photo, first in zip(looks, seen, strict=True)
        ]
        more = self._see(greys, rest, timer)
        return [[*first, *others] for first, others in zip(seen, more, strict=True)]

    def _is_face(self, one: Seen) -> bool:
        return self.min_score is not None and one.score >= self.min_score

    def predict(self, grey: Image, frames: Sequence[Frame], timer: StepTimer) -> list[Face]:
        """One face for each frame, whatever its score."""
        return self.predict_all([grey], [frames], timer)[0]

    def predict_all(
        self, greys: Sequence[Image], frames: Sequence[Sequence[Frame]], timer: StepTimer
    ) -> list[list[Face]]:
        """One face for each frame of each photo; a batch takes frames of several photos."""
        framed = [
            (grey, frame)
            for grey, of_photo in zip(greys, frames, strict=True)
            for frame in of_photo
        ]
        faces: list[Face] = []
        for first in range(0, len(framed), BATCH_SIZE):
            faces += self._predict_batch(framed[first : first + BATCH_SIZE], timer)
        rest = iter(faces)
        return [list(islice(rest, len(of_photo))) for of_photo in frames]

    def _predict_batch(self, framed: Sequence[tuple[Image, Frame]], timer: StepTimer) -> list[Face]:
        with timer.step("crop"):
            boxes = ((grey, frame.box) for grey, frame in framed)
            crops = crop_batch(boxes, self.crop, [frame.roll for _, frame in framed])
        with timer.step("points"):
            output = self.model(crops.pixels)
        points = crops.to_photo(output.points)
        faces = []
        for i, (_, frame) in enumerate(framed):
            score = None if output.score is None else float(output.score[i])
            confidence = None if output.confidence is None else output.confidence[i]
            face = Face(points[i], frame.box, score, confidence, frame.roll)
            faces.append(_with_view(face, output, i, zoom_of(crops.transforms[i])))
        return faces

    def _see(
        self, greys: Sequence[Image], looks: Sequence[Sequence[Look]], timer: StepTimer
    ) -> list[list[Seen]]:
        """What the network sees where each photo is looked at."""
        frames = [[look.frame for look in of_photo] for of_photo in looks]
        faces = self.predict_all(greys, frames, timer)
        return [
            [Seen(face, look.certainty) for face, look in zip(*of_photo, strict=True)]
            for of_photo in zip(faces, looks, strict=True)
        ]

    def _verified(
        self,
        greys: Sequence[Image],
        seen: Sequence[Sequence[Seen]],
        min_score: float,
        timer: StepTimer,
    ) -> list[list[Face]]:
        """The faces among what was seen, after another look at what is doubtful: in crops turned
        by quarters, and in the frame of its points."""
        again = [quarters(one, min_score)[: MAX_DETECTIONS - len(one)] for one in seen]
        turned = self._see(greys, again, timer)
        least = min(MIN_REFINED_SCORE, min_score)
        hopeful = [
            [one for one in (*first, *more) if one.score >= least]
            for first, more in zip(seen, turned, strict=True)
        ]
        looks = [
            [Look(one.face.frame, one.certainty) for one in first if not _settled(one, min_score)]
            for first in hopeful
        ]
        refined = self._see(greys, looks, timer)
        return [
            _faces([*(one for one in first if _settled(one, min_score)), *again], min_score)
            for first, again in zip(hopeful, refined, strict=True)
        ]


def _with_view(face: Face, output: ModelOutput, i: int, zoom: float) -> Face:
    """The face of crop `i`, at `zoom` times its size in the photo, with what the output tells of
    how it is seen."""
    if output.visible is None or output.depth is None or output.pose is None:
        return face
    yaw, pitch, roll = (float(angle) for angle in output.pose[i])
    pose = Pose(yaw, pitch, wrapped(roll + face.roll))
    depth = output.depth[i] / np.float32(zoom)
    return replace(face, visible=output.visible[i], depth=depth, pose=pose)


def _settled(one: Seen, min_score: float) -> bool:
    return one.score >= min_score and _well_aligned(one.face)


def _faces(seen: Sequence[Seen], min_score: float) -> list[Face]:
    """The faces of a high enough score, highest first, each once: loose boxes of the detector can
    frame one twice."""
    kept: list[Face] = []
    for one in sorted(seen, key=lambda one: one.score, reverse=True):
        place = one.face.reference_box
        duplicate = any(iou(place, other.reference_box) > DUPLICATE_IOU for other in kept)
        if one.score >= min_score and not duplicate:
            kept.append(replace(one.face, score=one.score, certainty=one.certainty))
    return kept


def _well_aligned(face: Face) -> bool:
    turned = abs(wrapped(face.roll - face.frame.roll))
    return iou(face.box, face.frame.box) >= WELL_ALIGNED_IOU and turned <= LARGEST_UPRIGHT_ROLL
