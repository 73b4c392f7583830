"""How well a model tells what is visible, the depth and the pose of synthetic faces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.store import LabelledFace
from fkd.geometry.roll import wrapped
from fkd.landmarks import OUTER_EYE_CORNERS
from fkd.models.output import ModelOutput


def view_figures(faces: Sequence[LabelledFace], output: ModelOutput) -> dict[str, float]:
    """Figures over the faces whose truth is known; none for a model that does not tell, or where
    there is no such face.

    visible_auc: area under the ROC curve over all points, 0..1. pose_error_yaw, _pitch, _roll: mean
    absolute error, degrees. depth_error: mean absolute error, percent of the distance of the outer
    eye corners in space.

    output: of each face, points and depth in pixels of its picture.
    """
    known = [i for i, face in enumerate(faces) if face.truth]
    if not known or output.visible is None or output.depth is None or output.pose is None:
        return {}
    truths = [truth for face in faces if (truth := face.truth)]
    pose = np.array([truth.pose for truth in truths])
    apart = np.abs(np.vectorize(wrapped)(output.pose[known] - pose)).mean(axis=0)
    depth = np.stack([truth.depth for truth in truths])
    points = np.stack([faces[i].points for i in known])
    solid = np.concatenate([points, depth[..., None]], axis=-1)
    right, left = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(solid[:, right] - solid[:, left], axis=-1)
    depth_error = np.abs(output.depth[known] - depth).mean(axis=1) / eyes
    visible = np.stack([truth.visible for truth in truths])
    return {
        "visible_auc": round(roc_auc(output.visible[known], visible), 4),
        "pose_error_yaw": round(float(apart[0]), 2),
        "pose_error_pitch": round(float(apart[1]), 2),
        "pose_error_roll": round(float(apart[2]), 2),
        "depth_error": round(100 * float(depth_error.mean()), 2),
    }


def roc_auc(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, 0..1: how often a positive has a higher score than a negative;
    equal scores count half. NaN without both. Any shape, the same for both."""
    score, positive = score.ravel(), positive.ravel()
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float("nan")
    return float((rank[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))
