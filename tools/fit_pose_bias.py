"""Fit how far annotators click from the points of synthetic faces, by how a head is turned.

`python -m tools.fit_pose_bias data/real/300w MODEL` predicts the faces of 300-W's training folders,
AFW excepted, with a model that no label of a photo taught, fits annotation minus prediction by
least squares, and adds that to `fkd/synthetic/pose_bias.json`, which the faces of that training
followed. 544 averaged numbers; no photo.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.prepare import Rejected, prepare_faces
from fkd.datasets.readers import pts
from fkd.datasets.store import LabelledFace
from fkd.evaluation.metrics import nme
from fkd.evaluation.scoring import annotated, predict
from fkd.geometry.pose import Pose
from fkd.landmarks import FLIP
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.synthetic.pose_bias import FILE, bias_terms, face_axes, face_unit, load_pose_bias
from tools.finetuning import TRAINING_FOLDERS

# Percent NME from which a face counts less, so that a wrong label does not decide.
TRUSTED = 3.0


def training_faces(folder: Path) -> list[LabelledFace]:
    """The faces of 300-W's training folders, without AFW, which scores."""
    samples = [one for one in pts.samples(folder, "300w") if one.name.startswith(TRAINING_FOLDERS)]
    faces = prepare_faces(samples, DEFAULT_PREPARE)
    return [face for face in faces if not isinstance(face, Rejected)]


def residuals(faces: list[LabelledFace], name: str) -> tuple[NDArray[np.float64], ...]:
    """Annotation minus prediction (N, 68, 2) in the unit and the axes of `load_pose_bias`, the
    terms (N, 4) of the predicted poses, and how much each face counts (N,)."""
    model, info = open_onnx(find_model(name))
    output = predict(faces, [face.box for face in faces], model, info.crop)
    if output.pose is None:
        sys.exit(f"{name} does not tell the head's pose")
    true, offsets, terms = annotated(faces), [], []
    for points, annotation, angles in zip(output.points, true, output.pose, strict=True):
        pose = Pose(*(float(angle) for angle in angles))
        unit = face_unit(annotation, pose.yaw)
        offsets.append((annotation - points) @ face_axes(points).T / unit)
        terms.append(bias_terms(pose))
    weights = 1 / np.maximum(nme(output.points, true), TRUSTED)
    return np.array(offsets), np.array(terms), np.asarray(weights, np.float64)


def mirrored(
    offsets: NDArray[np.float64], terms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same of the pictures mirrored left to right."""
    return offsets[:, FLIP] * [-1, 1], terms * [1, -1, 1, 1]


def fit(
    offsets: NDArray[np.float64], terms: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The symmetric weighted least squares of offsets (N, 68, 2) by terms (N, 4): (4, 68, 2)."""
    others, of_others = mirrored(offsets, terms)
    both = np.concatenate([offsets, others]).reshape(2 * len(offsets), -1)
    root = np.sqrt(np.concatenate([weights, weights]))[:, None]
    design = np.concatenate([terms, of_others])
    solution, *_ = np.linalg.lstsq(design * root, both * root, rcond=None)
    return np.asarray(solution.reshape(terms.shape[1], *offsets.shape[1:]))


def main(folder: Path, name: str) -> None:
    offsets, terms, weights = residuals(training_faces(folder), name)
    found = fit(offsets, terms, weights)
    left = offsets - np.einsum("nk,kpc->npc", terms, found)
    for what, each in (("before", offsets), ("after", left)):
        print(f"{what}: {np.linalg.norm(each, axis=-1).mean():.3f} on {len(offsets)} faces")
    rows = np.round(load_pose_bias() + found, 1) + 0.0
    FILE.write_text("[" + ",\n".join(json.dumps(term) for term in rows.tolist()) + "]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
