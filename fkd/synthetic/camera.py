"""Head rotation and camera: from decimetres on the head to pixels of the picture."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.geometry.pose import Pose as HeadPose
from fkd.geometry.pose import pose_of
from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.recipe import Pose
from fkd.synthetic.vectors import transform

# The head rotates about this position in the neck, decimetres.
PIVOT = np.array([0.0, 6.6, 0.3], np.float32)
# Signs of this module's axes, y up and z towards the viewer, in those of `fkd.geometry.pose`.
AXES = (1, -1, -1)
# Heights: the trunk below, the head above, and a smooth passage between them, decimetres.
NECK_LOW, NECK_SPAN = 5.7, 0.7


@dataclass(frozen=True)
class View:
    """A pinhole camera that looks along -z at a rotated head.

    rotation, trunk_rotation: float32 (3, 3). distance: of the camera from `look_at`, decimetres.
    look_at: float32 (3,), a position after the rotation. scale: pixels per decimetre at its depth.
    principal_point: float32 (2,), its pixel, x right and y down.
    """

    rotation: NDArray[np.float32]
    trunk_rotation: NDArray[np.float32]
    distance: float
    look_at: NDArray[np.float32]
    scale: float
    principal_point: NDArray[np.float32]

    @property
    def pose(self) -> HeadPose:
        """Of the head."""
        # Here y points up and z towards the viewer.
        return pose_of(self.rotation * np.outer(AXES, AXES))

    def rotate(
        self, positions: NDArray[np.float32], head_weight: NDArray | float = 1.0
    ) -> NDArray[np.float32]:
        """Positions (..., 3) after the rotation, about the pivot as origin.

        head_weight: skinning weight (..., 1), 1 for what moves with the head, 0 for the trunk.
        """
        offsets = positions - PIVOT
        head, trunk = transform(offsets, self.rotation.T), transform(offsets, self.trunk_rotation.T)
        return np.asarray(head * head_weight + trunk * (1 - head_weight), np.float32)

    def project(self, rotated: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels x and y, and depth in decimetres, of rotated positions: float32 (..., 3)."""
        x, y, z = np.moveaxis(rotated - self.look_at, -1, 0)
        scale = self.scale * self.distance / np.maximum(self.distance - z, 0.5)
        pixels = [x * scale + self.principal_point[0], -y * scale + self.principal_point[1], z]
        return np.stack(pixels, axis=-1).astype(np.float32)

    def project_head(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """`project` of unrotated positions that move with the head."""
        return self.project(self.rotate(positions))


def skinning_weights(anatomy: Anatomy) -> NDArray[np.float32]:
    """How far each vertex follows the head's rotation, float32 (V, 1), smooth along the neck."""
    t = np.clip((anatomy.mean[:, 1:2] - NECK_LOW) / NECK_SPAN, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def sample_view(rng: Generator, pose: Pose, points: NDArray[np.float32], side: int) -> View:
    """A random view that has the points (68, 3) of an unposed head near the middle of a picture of
    `side` squared."""
    if rng.random() < pose.uniform_yaw_prob:
        yaw = rng.uniform(*pose.uniform_yaw)
    else:
        yaw = np.clip(rng.normal(0, pose.yaw_std), -pose.yaw_limit, pose.yaw_limit)
    pitch = rng.normal(pose.pitch_mean, pose.pitch_std)
    pitch = np.clip(pitch, -pose.pitch_limit, pose.pitch_limit)
    roll = np.clip(rng.normal(0, pose.roll_std), -pose.roll_limit, pose.roll_limit)
    trunk = (0.35 * yaw + rng.normal(0, 12), 0.2 * pitch, 0.2 * roll + rng.normal(0, 4))
    near, far = pose.camera_distance
    view = View(
        rotation=rotation_matrix(yaw, pitch, roll),
        trunk_rotation=rotation_matrix(*trunk),
        distance=float(np.exp(rng.uniform(np.log(near), np.log(far)))),
        look_at=np.zeros(3, np.float32),
        scale=1.0,
        principal_point=np.zeros(2, np.float32),
    )
    view = replace(view, look_at=view.rotate(points).mean(axis=0))
    seen = view.project_head(points)[:, :2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = side * rng.uniform(*pose.face_size) / float((high - low).max())
    middle = side / 2 + rng.normal(0, pose.off_centre_std, 2) * side
    principal_point = (middle - (low + high) / 2 * scale).astype(np.float32)
    return replace(view, scale=scale, principal_point=principal_point)


def rotation_matrix(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """Rotation by yaw about y, then by pitch about x, then by roll about z, degrees:
    float32 (3, 3). Positive yaw turns to the subject's left, positive pitch looks down."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    about_x = [[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]]
    about_z = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    roll_pitch = transform(np.array(about_z), np.array(about_x))
    return transform(roll_pitch, np.array(about_y)).astype(np.float32)
