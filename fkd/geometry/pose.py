"""Head pose: how a head is turned before the camera."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pose(NamedTuple):
    """How a head is turned, degrees, as three rotations one after the other, each about an axis of
    the camera: first yaw about the vertical axis, positive where the face turns to its own left
    (the right of the picture); then pitch about the horizontal one, positive where it looks down;
    then roll about the line of sight, positive clockwise in the picture. All are 0 for a face that
    looks straight into the camera.
    """

    yaw: float
    pitch: float
    roll: float


def mirrored_pose(pose: Pose) -> Pose:
    """Of the picture mirrored left to right."""
    return Pose(-pose.yaw, pose.pitch, -pose.roll)


def rotation_of(pose: Pose) -> NDArray[np.float64]:
    """The rotation (3, 3) of the head's axes into the camera's: x to the right of the picture, y
    down, z away from the camera. The head's own axes are the same for a pose of zeros, so its nose
    points along -z."""
    yaw, pitch, roll = np.radians(pose)
    about_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    about_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    about_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    return np.asarray(np.array(about_z) @ np.array(about_x) @ np.array(about_y))


def pose_of(rotation: NDArray) -> Pose:
    """The pose of a rotation (3, 3): the inverse of `rotation_of` for pitches within 90 degrees."""
    # The last row is (cos pitch sin yaw, sin pitch, cos pitch cos yaw).
    yaw = np.arctan2(rotation[2, 0], rotation[2, 2])
    pitch = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return Pose(*(float(v) for v in np.degrees([yaw, pitch, roll])))
