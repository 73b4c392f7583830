"""Faces through the frames of a video: `Tracker(predictor)(frame)` gives each face an id."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Image
from fkd.geometry.boxes import centre_distance, iou
from fkd.geometry.roll import Frame, wrapped
from fkd.inference.appearance import SAME_FACE, appearance
from fkd.inference.face import Face
from fkd.inference.pipeline import DUPLICATE_IOU
from fkd.inference.predictor import Predictor, checked_grey
from fkd.inference.smoothing import OneEuro
from fkd.inference.timing import StepTimer

# Frames from one search for new faces to the next while there are some.
SEARCH_EVERY = 15
# Two boxes that share this much of their union are at the same place: a box that jitters with the
# points would make them jitter more.
SAME_PLACE_IOU = 0.9
# And two rolls that differ by less, degrees.
SAME_ROLL = 5.0
# A lost face that is seen again within this time keeps its id, seconds. It is looked for where it
# was lost and around, as far as a face goes that moves so many times its own width a second.
REMEMBERED_SECONDS = 1.0
WIDTHS_A_SECOND = 4.0
# A face that comes back has a box of about the old size.
SMALLEST_RATIO, LARGEST_RATIO = 0.6, 1.6
# Weight of the newest frame in what a face looks like.
NEWEST = 0.2
# Chosen on the videos of tests/test_tracker.py: jitter at rest is 0.30 of the unfiltered, and a
# face that crosses the picture at up to 2.7 times its width a second has 0.30 points more NME.
MIN_CUTOFF, BETA = 0.3, 34.0


@dataclass
class _Track:
    """A face that is followed, or was until it was lost. face: as the model gave it, before
    smoothing. frame: of its next crop. looks: its `appearance` while no other face was near.
    lost_for: seconds."""

    id: int
    face: Face
    frame: Frame
    looks: NDArray[np.float32]
    filter: OneEuro
    lost_for: float = 0.0

    @property
    def box(self) -> Box:
        """Where the face is."""
        return self.frame.box


class Tracker:
    """Follows faces from frame to frame. The next frame's box comes from this frame's points, in
    the box convention; the detector searches the whole frame only while there is no face, and every
    SEARCH_EVERY frames. A face that is hidden for less than REMEMBERED_SECONDS keeps its id: of two
    that meet, what they look like tells which is which.

    smooth: whether points and boxes go through a One-Euro filter of `min_cutoff` and `beta`
    (`OneEuro`). rate: frames a second. min_face: smallest face that is searched for, pixels, by
    default the predictor's choice. A tracker is for one video and one thread; several may share
    a predictor. Afterwards `min_face` and `detections_skipped` are those of the last search
    (`Analysis`).
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
        self._wanted_min_face = predictor.min_face if min_face is None else min_face
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._next_id = 1
        self._size = (0, 0)
        self._since_search = SEARCH_EVERY
        self.detections_skipped = 0
        self.min_face = self._wanted_min_face

    def __call__(self, frame: Image, seconds: float | None = None) -> list[Face]:
        """The faces of the next frame, oldest first, each with its id.

        frame: uint8 (H, W) or (H, W, 3) BGR; one of another size begins anew. seconds: since the
        frame before, by default one over the rate.
        """
        grey, passed = checked_grey(frame, "frame"), seconds or self.seconds
        if grey.shape != self._size:
            self._tracks, self._lost, self._size = [], [], grey.shape
        for track in self._lost:
            track.lost_for += passed
        self._lost = [track for track in self._lost if track.lost_for <= REMEMBERED_SECONDS]
        self._follow(grey)
        for track in list(self._lost):
            self._look_for(track, grey)
        self._since_search += 1
        if not self._tracks or self._since_search >= SEARCH_EVERY:
            self._search(grey)
        self._remember_looks(grey)
        self._tracks.sort(key=lambda track: track.id)
        return [self._shown(track, passed) for track in self._tracks]

    def _follow(self, grey: Image) -> None:
        """Each face where the frame before had it; those that are faces no more are lost, and so is
        the less similar of two that have become one."""
        if not self._tracks:
            return
        frames = [track.frame for track in self._tracks]
        found = self.predictor.pipeline.predict(grey, frames, StepTimer())
        followed, self._tracks = self._tracks, []
        for track, face in zip(followed, found, strict=True):
            box = face.reference_box
            rival = _at(box, self._tracks)
            if not self._is_face(face) or (rival and not _more_similar(track, rival, grey, box)):
                self._lose(track)
                continue
            if rival:
                self._tracks.remove(rival)
                self._lose(rival)
            track.face = face
            track.frame = track.frame if _same_place(face.frame, track.frame) else face.frame
            self._tracks.append(track)

    def _lose(self, track: _Track) -> None:
        track.lost_for = 0.0
        self._lost.append(track)

    def _is_face(self, face: Face) -> bool:
        lowest = self.predictor.min_score
        return face.score is None or lowest is None or face.score >= lowest

    def _look_for(self, track: _Track, grey: Image) -> None:
        """A lost face, around the place where it was."""
        x, y, side, _ = track.box
        reach = round(_reach(track) * side)
        left, top = max(0, x - reach), max(0, y - reach)
        around = grey[top : y + side + reach, left : x + side + reach]
        if around.size:
            smallest = round(SMALLEST_RATIO * side)
            for face in self.predictor(np.ascontiguousarray(around), min_face=smallest):
                self._take_up([track], _moved(face, left, top), grey)

    def _take_up(self, lost: Sequence[_Track], face: Face, grey: Image) -> bool:
        """Whether a face that was found is one of these, which is then followed again."""
        box = face.reference_box
        near = [track for track in lost if track in self._lost and _within_reach(box, track)]
        if not near or _at(box, self._tracks):
            return False
        looks = appearance(grey, box)
        track = max(near, key=lambda track: float(track.looks @ looks))
        if track.looks @ looks < SAME_FACE:
            return False
        self._lost.remove(track)
        track.face, track.frame, track.filter = face, face.frame, self._new_filter()
        self._tracks.append(track)
        return True

    def _search(self, grey: Image) -> None:
        """New faces in the whole frame. While there is none, each frame is searched, but for small
        ones, which take longest, only where it is due."""
        due, min_face = self._since_search >= SEARCH_EVERY, self._wanted_min_face
        if due:
            self._since_search = 0
        elif min_face is None:
            min_face = self.predictor.pipeline.detector.default_min_face(grey)
        analysis = self.predictor.analyse(grey, min_face=min_face)
        self.min_face, self.detections_skipped = analysis.min_face, analysis.detections_skipped
        # A model without scores never says that a face is gone; the detector does.
        seen = [face.reference_box for face in analysis.faces]
        self._tracks = [
            track
            for track in self._tracks
            if track.face.score is not None or any(iou(b, track.box) > DUPLICATE_IOU for b in seen)
        ]
        for face, box in zip(analysis.faces, seen, strict=True):
            known = _at(box, self._tracks) or self._take_up(self._lost, face, grey)
            if not known and not self._emerges(box):
                looks = appearance(grey, box)
                track = _Track(self._next_id, face, face.frame, looks, self._new_filter())
                self._tracks.append(track)
                self._next_id += 1

    def _emerges(self, box: Box) -> bool:
        """Whether the face in a box may be a lost one that is still half hidden by another."""
        hidden = any(iou(box, track.box) for track in self._tracks)
        return hidden and any(_within_reach(box, track) for track in self._lost)

    def _remember_looks(self, grey: Image) -> None:
        for track in self._tracks:
            if all(other is track or not iou(track.box, other.box) for other in self._tracks):
                newest = appearance(grey, track.face.reference_box)
                looks = track.looks + np.float32(NEWEST) * (newest - track.looks)
                track.looks = looks / max(np.linalg.norm(looks), np.float32(1e-6))

    def _new_filter(self) -> OneEuro:
        return OneEuro(self.min_cutoff, self.beta)

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


def _same_place(frame: Frame, before: Frame) -> bool:
    """Whether two frames are so near that the next crop may be cut as the last one was."""
    turned = abs(wrapped(frame.roll - before.roll))
    return iou(frame.box, before.box) > SAME_PLACE_IOU and turned < SAME_ROLL


def _at(box: Box, tracks: Sequence[_Track]) -> _Track | None:
    """The track that is at this place."""
    return next((track for track in tracks if iou(box, track.box) > DUPLICATE_IOU), None)


def _more_similar(track: _Track, rival: _Track, grey: Image, box: Box) -> bool:
    """Whether the face in a box looks more like that of the one track than that of the other."""
    looks = appearance(grey, box)
    return bool(track.looks @ looks > rival.looks @ looks)


def _reach(track: _Track) -> float:
    """How far a lost face can have gone, in its box's sides."""
    return 1 + WIDTHS_A_SECOND * track.lost_for


def _within_reach(box: Box, track: _Track) -> bool:
    ratio, distance = box[2] / track.box[2], centre_distance(box, track.box)
    return SMALLEST_RATIO < ratio < LARGEST_RATIO and distance <= _reach(track)


def _moved(face: Face, right: int, down: int) -> Face:
    """A face of a part of the frame, whose corner is at (right, down), in the frame's pixels."""
    x, y, width, height = face.box
    points = face.points + np.array([right, down], np.float32)
    return replace(face, points=points, box=(x + right, y + down, width, height))
