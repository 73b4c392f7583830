"""A found face."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Points
from fkd.geometry.boxes import reference_box
from fkd.geometry.openness import EyeOpenness, eye_openness, mouth_openness
from fkd.geometry.pose import Pose
from fkd.geometry.roll import Frame, frame_of
from fkd.landmarks import PARTS


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A found face. points: float32 (68, 2), photo pixels, centres at integers. box: (x, y, width,
    height), photo pixels. score: the probability that the box frames a face, 0..1. confidence:
    float32 (68,), the probability that each point is right (`ConfidenceCalibration`); both None for
    a model without heatmaps. roll: by how much the crop was turned back to show the network an
    upright face, degrees clockwise in the photo; 0 for faces that were upright enough. With 0 the
    box is in the convention of `reference_box`, else in that of `turned_box`. id: the same for one
    face through the frames of a video (`Tracker`), None in a photo. visible: float32 (68,), the
    probability that nothing hides each point: no hair, no hand, not the head itself. depth: float32
    (68,), how much further from the camera each point is than their mean, photo pixels. pose: of
    the head. These three are None for a model that has not learned them. certainty: the detector's
    part of the score, by which the network's own was multiplied; 1 for a detector without scores.
    """

    points: NDArray[np.float32]
    box: Box
    score: float | None
    confidence: NDArray[np.float32] | None
    roll: float = 0.0
    id: int | None = None
    visible: NDArray[np.float32] | None = None
    depth: NDArray[np.float32] | None = None
    pose: Pose | None = None
    certainty: float = 1.0

    @property
    def points3d(self) -> NDArray[np.float32] | None:
        """Points and depth: float32 (68, 3), photo pixels, x to the right, y down, z away from the
        camera, 0 at their mean. None without a depth."""
        return None if self.depth is None else np.column_stack([self.points, self.depth])

    @cached_property
    def reference_box(self) -> Box:
        """The box that the convention gives to these points."""
        return reference_box(self.points)

    @cached_property
    def frame(self) -> Frame:
        """How a crop is cut for these points."""
        return frame_of(self.points)

    @property
    def parts(self) -> dict[str, Points]:
        """The points by the names of `fkd.landmarks.PARTS`, such as "left_eye", float32 (n, 2),
        photo pixels. Left and right are the subject's."""
        return {name: self.points[part] for name, part in PARTS.items()}

    @property
    def eye_openness(self) -> EyeOpenness:
        """How far each eye is open: `fkd.geometry.openness.eye_openness`."""
        return eye_openness(self.points)

    @property
    def mouth_openness(self) -> float:
        """How far the mouth is open: `fkd.geometry.openness.mouth_openness`."""
        return mouth_openness(self.points)

    def __repr__(self) -> str:
        score = None if self.score is None else round(self.score, 2)
        name = "" if self.id is None else f", id={self.id}"
        return f"Face(box={self.box}, score={score}{name})"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON, points rounded to a hundredth of a pixel."""
        pose = self.pose and {name: round(angle, 1) for name, angle in self.pose._asdict().items()}
        return {
            "box": list(self.box),
            "roll": round(self.roll, 1),
            "score": None if self.score is None else round(self.score, 4),
            "points": np.round(self.points.astype(float), 2).tolist(),
            "confidence": _rounded(self.confidence, 3),
            "visible": _rounded(self.visible, 3),
            "depth": _rounded(self.depth, 2),
            "pose": pose,
            **({} if self.id is None else {"id": self.id}),
        }


def _rounded(values: NDArray[np.float32] | None, digits: int) -> list[float] | None:
    return None if values is None else np.round(values.astype(float), digits).tolist()
