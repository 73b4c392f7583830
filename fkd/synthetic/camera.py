"""Turning a head and seeing it: from decimetres on the head to pixels of the picture."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.recipe import Pose

# The head turns about this place in the neck; from here down the trunk follows only in part.
PIVOT = np.array([0.0, 6.6, 0.3], np.float32)
NECK_LOW, NECK_SPAN = 5.7, 0.7


@dataclass(frozen=True)
class View:
    """turn, trunk_turn: float32 (3, 3). centre: what the camera looks at, after the turn. distance:
    of the camera from it. zoom, offset: to pixels, x right and y down.
    """

    turn: NDArray[np.float32]
    trunk_turn: NDArray[np.float32]
    distance: float
    centre: NDArray[np.float32]
    zoom: float
    offset: NDArray[np.float32]

    def turned(
        self, places: NDArray[np.float32], follow: NDArray | float = 1.0
    ) -> NDArray[np.float32]:
        """Places (..., 3) after the turn; follow: 1 for the head, 0 for the trunk, (..., 1)."""
        away = places - PIVOT
        mixed = (away @ self.turn.T) * follow + (away @ self.trunk_turn.T) * (1 - follow)
        return np.asarray(mixed, np.float32)

    def project(self, turned: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels x and y and depth, float32 (..., 3), of turned places."""
        x, y, z = np.moveaxis(turned - self.centre, -1, 0)
        zoom = self.zoom * self.distance / np.maximum(self.distance - z, 0.5)
        pixels = [x * zoom + self.offset[0], -y * zoom + self.offset[1], z]
        return np.stack(pixels, axis=-1).astype(np.float32)

    def see(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """`project` of places that move with the head."""
        return self.project(self.turned(places))


def neck_follow(anatomy: Anatomy) -> NDArray[np.float32]:
    """How far each vertex of the head follows its turn, float32 (V, 1), smooth along the neck."""
    t = np.clip((anatomy.mean[:, 1:2] - NECK_LOW) / NECK_SPAN, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def draw_view(rng: Generator, pose: Pose, points: NDArray[np.float32], side: int) -> View:
    """A camera at random that has the 68 points (68, 3) in the middle of a square picture."""
    if rng.random() < pose.turned_share:
        yaw = rng.uniform(*pose.turned)
    else:
        yaw = np.clip(rng.normal(0, pose.yaw_sd), -pose.yaw_limit, pose.yaw_limit)
    pitch = np.clip(rng.normal(pose.pitch_mean, pose.pitch_sd), -pose.pitch_limit, pose.pitch_limit)
    roll = np.clip(rng.normal(0, pose.roll_sd), -pose.roll_limit, pose.roll_limit)
    trunk = (0.35 * yaw + rng.normal(0, 12), 0.2 * pitch, 0.2 * roll + rng.normal(0, 4))
    near, far = pose.distance
    view = View(
        turn=rotation(yaw, pitch, roll),
        trunk_turn=rotation(*trunk),
        distance=float(np.exp(rng.uniform(np.log(near), np.log(far)))),
        centre=np.zeros(3, np.float32),
        zoom=1.0,
        offset=np.zeros(2, np.float32),
    )
    view = replace(view, centre=view.turned(points).mean(axis=0))
    seen = view.see(points)[:, :2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    zoom = side * rng.uniform(*pose.face_share) / float((high - low).max())
    middle = side / 2 + rng.normal(0, pose.off_centre_sd, 2) * side
    return replace(view, zoom=zoom, offset=(middle - (low + high) / 2 * zoom).astype(np.float32))


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """Turn by yaw about y, then pitch about x, then roll about z, degrees: float32 (3, 3)."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    about_x = [[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]]
    about_z = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    return (np.array(about_z) @ np.array(about_x) @ np.array(about_y)).astype(np.float32)
