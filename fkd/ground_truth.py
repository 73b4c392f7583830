"""What a renderer knows of a face, and no annotator of a photo."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fkd.geometry.pose import Pose, mirrored_pose
from fkd.landmarks import FLIP

# Degrees of yaw beyond which the far half of the face is out of sight.
PROFILE = 60.0


@dataclass(frozen=True)
class GroundTruth:
    """Beside the 68 points of a synthetic face.

    visible: bool (68,), False for a point that something hides: the head itself, hair, a beard, a
    hat, sunglasses, a thing in front. depth: float32 (68,), how much further from the camera a
    point is than their mean, pixels of the picture. pose: of the head. attributes: numbers by name,
    such as "age", the same names for every face.
    """

    visible: NDArray[np.bool_]
    depth: NDArray[np.float32]
    pose: Pose
    attributes: dict[str, float]

    @property
    def in_profile(self) -> bool:
        """Whether the far half of the face is out of sight."""
        return abs(self.pose.yaw) > PROFILE

    def turned(self, degrees: float) -> "GroundTruth":
        """Of the picture turned counter-clockwise."""
        return replace(self, pose=self.pose._replace(roll=self.pose.roll - degrees))

    def enlarged(self, zoom: float) -> "GroundTruth":
        """Of the picture at so many times its size."""
        return replace(self, depth=self.depth * np.float32(zoom))

    def hidden(self, points: NDArray[np.bool_]) -> "GroundTruth":
        """Of the picture where something lies before these points (68,) too."""
        return replace(self, visible=self.visible & ~points)

    def mirrored(self) -> "GroundTruth":
        """Of the picture mirrored left to right."""
        pose = mirrored_pose(self.pose)
        return replace(self, visible=self.visible[FLIP], depth=self.depth[FLIP], pose=pose)
