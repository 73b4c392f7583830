"""Faces through the frames of a video: `Tracker(predictor)(frame)` gives each face an id."""

from dataclasses import dataclass, replace

import numpy as np

from fkd.geometry import Box, Image
from fkd.geometry.boxes import iou
from fkd.inference.face import Face
from fkd.inference.pipeline import DUPLICATE_IOU
from fkd.inference.predictor import Predictor
from fkd.inference.smoothing import OneEuro

# Frames from one search for new faces to the next while there are some.
SEARCH_EVERY = 15
# Two boxes that share this much of their union are at the same place: a box that jitters with the
# points would make them jitter more.
SAME_PLACE_IOU = 0.9
# Chosen on the videos of tests/test_tracker.py: jitter at rest is 0.30 of the unfiltered, and a
# face that crosses the picture at up to 2.7 times its width a second has 0.30 points more NME.
MIN_CUTOFF, BETA = 0.3, 34.0


@dataclass
class _Track:
    """A face that is followed. face: as the model gave it, before smoothing."""

    id: int
    face: Face
    box: Box
    filter: OneEuro


class Tracker:
    """Follows faces from frame to frame. The next frame's box comes from this frame's points, in
    the box convention; the detector runs only while there is no face, when one was lost, and
    every SEARCH_EVERY frames.

    smooth: whether points and boxes go through a One-Euro filter of `min_cutoff` and `beta`
    (`OneEuro`). rate: frames a second. A tracker is for one video and one thread; several may share
    a predictor. min_face: smallest face searched for, as in a predictor's call; afterwards, and
    like `detections_skipped`, that of the last search (`Analysis`).
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        smooth: bool = True,
        min_cutoff: float = MIN_CUTOFF,
        beta: float = BETA,
        rate: float = 30.0,
        min_face: int | None = None,
    ) -> None:
        if rate <= 0 or min_cutoff <= 0 or beta < 0:
            raise ValueError("rate and min_cutoff must be positive, beta not negative")
        self.predictor, self.smooth, self.seconds = predictor, smooth, 1 / rate
        self.min_cutoff, self.beta = min_cutoff, beta
        self._tracks: list[_Track] = []
        self._next_id = 1
        self._size = (0, 0)
        self._since_search = SEARCH_EVERY
        self.detections_skipped = 0
        self._wanted_min_face, self.min_face = min_face, min_face

    def __call__(self, frame: Image, seconds: float | None = None) -> list[Face]:
        """The faces of the next frame, oldest first, each with its id.

        frame: uint8 (H, W) or (H, W, 3) BGR; one of another size begins anew. seconds: since the
        frame before, by default one over the rate.
        """
        if frame.shape[:2] != self._size:
            self._tracks, self._size = [], frame.shape[:2]
        before = len(self._tracks)
        self._follow(frame)
        self._since_search += 1
        if not self._tracks or len(self._tracks) < before or self._since_search >= SEARCH_EVERY:
            self._search(frame)
        return [self._shown(track, seconds or self.seconds) for track in self._tracks]

    def _follow(self, frame: Image) -> None:
        """Each face where the frame before had it; those that are faces no more are dropped."""
        if not self._tracks:
            return
        found = self.predictor(frame, boxes=[track.box for track in self._tracks])
        kept: list[_Track] = []
        for track, face in zip(self._tracks, found, strict=True):
            box = face.reference_box
            if self._is_face(face) and not _known(box, kept):
                track.face = face
                track.box = track.box if iou(box, track.box) > SAME_PLACE_IOU else box
                kept.append(track)
        self._tracks = kept

    def _is_face(self, face: Face) -> bool:
        lowest = self.predictor.min_score
        return face.score is None or lowest is None or face.score >= lowest

    def _search(self, frame: Image) -> None:
        self._since_search = 0
        analysis = self.predictor.analyse(frame, min_face=self._wanted_min_face)
        found, self.detections_skipped = analysis.faces, analysis.detections_skipped
        self.min_face = analysis.min_face
        # A model without scores never says that a face is gone; the detector does.
        seen = [face.reference_box for face in found]
        self._tracks = [
            track
            for track in self._tracks
            if track.face.score is not None or any(iou(b, track.box) > DUPLICATE_IOU for b in seen)
        ]
        for face, box in zip(found, seen, strict=True):
            if not _known(box, self._tracks):
                one_euro = OneEuro(self.min_cutoff, self.beta)
                self._tracks.append(_Track(self._next_id, face, box, one_euro))
                self._next_id += 1

    def _shown(self, track: _Track, seconds: float) -> Face:
        """What the caller sees of a face: its id, and smoothed points and the box around them."""
        if not self.smooth:
            return replace(track.face, id=track.id, box=track.box)
        x, y, side, _ = track.box
        corners = np.array([[x, y], [x + side, y + side]], np.float32)
        places = np.concatenate([track.face.points, corners])
        smoothed = track.filter(places, seconds, float(side))
        left, top = smoothed[68]
        box_side = max(1, round(float(smoothed[69, 0] - left)))
        box = round(float(left)), round(float(top)), box_side, box_side
        return replace(track.face, id=track.id, box=box, points=smoothed[:68])


def _known(box: Box, tracks: list[_Track]) -> bool:
    return any(iou(box, track.box) > DUPLICATE_IOU for track in tracks)
