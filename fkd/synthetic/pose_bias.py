"""Pose bias: how far 300-W's annotators click from where a network of synthetic faces sees the
points, by how the head is turned. `annotation_bias` has what does not change in the head's frame;
this is what is left, in the picture.

`python -m tools.fit_pose_bias data/real/300w` makes the numbers from the annotations of 300-W's
training folders; no photo.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points
from fkd.geometry.pose import Pose
from fkd.landmarks import LEFT_EYE, OUTER_EYE_CORNERS, RIGHT_EYE
from fkd.synthetic.annotation_bias import PROFILE_BEGINS, profile_fade

FILE = Path(__file__).with_name("pose_bias.json")
# From this pitch on, degrees, it grows no more: few faces of photos are turned further.
STEEPEST_PITCH = 25.0


def pose_bias(points: Points, pose: Pose) -> Points:
    """Offsets to add to points (68, 2) of a picture whose head has this pose: float32 (68, 2)."""
    offsets = np.tensordot(bias_terms(pose), load_pose_bias(), axes=1)
    unit = face_unit(points, pose.yaw) * profile_fade(pose.yaw)
    return np.asarray(offsets @ face_axes(points) * unit, np.float32)


def bias_terms(pose: Pose) -> NDArray[np.float64]:
    """What the bias is linear in: float64 (4,)."""
    sine = np.sin(np.radians(pose.yaw))
    steep = np.sin(np.radians(np.clip(pose.pitch, -STEEPEST_PITCH, STEEPEST_PITCH)))
    return np.array([1.0, sine, abs(sine), steep])


def face_unit(points: Points, yaw: float) -> float:
    """A hundredth of the outer eye distance of points (68, 2) were they seen from the front, pixels
    of their picture. yaw: degrees."""
    right, left = points[list(OUTER_EYE_CORNERS)]
    shortened = np.cos(np.radians(min(abs(yaw), PROFILE_BEGINS)))
    return float(np.linalg.norm(left - right) / shortened / 100)


def face_axes(points: Points) -> NDArray[np.float64]:
    """Unit vectors (2, 2) of the picture: to the left eye from the right one, and down the face.

    points: (68, 2), of the picture."""
    across = (points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)).astype(np.float64)
    across /= np.linalg.norm(across)
    return np.array([across, [-across[1], across[0]]])


@cache
def load_pose_bias() -> NDArray[np.float64]:
    """The committed fit: float64 (4, 68, 2), for each of `bias_terms` an offset across and down the
    face, in hundredths of the outer eye distance of a face that looks straight ahead."""
    return np.array(json.loads(FILE.read_text()), np.float64)
