"""The pose of heads beside that of MediaPipe's mesh, on labelled photos: `python -m bench.pose
MODEL --peers PYTHON --root data/real/300w`.

MediaPipe gives no angles without a file that its package lacks, so they come from its mesh: the
rotation that turns the mean of all meshes into each. How that mean itself is turned is unknown;
the one rotation that brings all heads nearest to the model's is taken out.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.exchange import BenchError, write_photos
from bench.faces import labelled_sets, matching, read_faces
from bench.programs import peer
from fkd import Predictor
from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.sample import BadDataset
from fkd.geometry.boxes import reference_box
from fkd.geometry.pose import Pose, pose_of, rotation_of
from fkd.models.metadata import ModelError

Floats = NDArray[np.floating]
MESH = "mediapipe-mesh"
ROUNDS = 5  # of the mean mesh, which depends on how the meshes are turned


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pose")
    parser.add_argument("model", help="packaged model or .onnx file")
    parser.add_argument("--peers", type=Path, required=True, help="python with the peers")
    parser.add_argument("--root", type=Path, required=True, help="data set, or folder of them")
    options = parser.parse_args()
    predictor = Predictor(options.model, detector="none")
    for name, samples in labelled_sets(options.root, DEFAULT_PREPARE).items():
        if name.endswith("/train"):
            continue
        faces = read_faces(samples, 0, DEFAULT_PREPARE.min_face)
        with tempfile.TemporaryDirectory() as place:
            write_photos(Path(place), (face.image for face in faces))
            found = peer(MESH, options.peers).answer(Path(place))
        meshes, poses = [], []
        for face, of in zip(faces, found, strict=True):
            nearest = matching(of[..., :2], face.points)
            if nearest is None:
                continue
            (ours,) = predictor(face.image, [reference_box(face.points)])
            if ours.pose is None:
                raise BenchError(f"{options.model}: tells no pose")
            meshes.append(next(mesh for mesh in of if (mesh[:, :2] == nearest).all()))
            poses.append(ours.pose)
        print(f"{name}: {len(poses)} of {len(faces)} faces; {told(poses, np.array(meshes))}")


def told(poses: list[Pose], meshes: Floats) -> str:
    """How far poses lie from those of meshes (N, P, 3), and how they go with them."""
    ours = np.array(poses)
    theirs = np.array([pose_of(of) for of in aligned_rotations(poses, rotations(meshes))])
    apart = np.abs((ours - theirs + 180) % 360 - 180).mean(axis=0)
    together = [np.corrcoef(ours[:, i], theirs[:, i])[0, 1] for i in range(3)]
    return ", ".join(
        f"{angle} {of:.1f} degrees apart (correlation {r:.3f})"
        for angle, of, r in zip(Pose._fields, apart, together, strict=True)
    )


def rotations(meshes: Floats) -> Floats:
    """How each mesh (N, P, 3) is turned from their mean shape: (N, 3, 3)."""
    centred = meshes - meshes.mean(axis=1, keepdims=True)
    centred = centred / np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    mean = centred[0]
    for _ in range(ROUNDS):
        turned = np.array([nearest_rotation(mesh.T @ mean) for mesh in centred])
        mean = np.mean([mesh @ r for mesh, r in zip(centred, turned, strict=True)], axis=0)
    return turned


def aligned_rotations(poses: list[Pose], turned: Floats) -> Floats:
    """Rotations (N, 3, 3) of another frame of the head, in the frame of the poses."""
    ours = np.array([rotation_of(pose) for pose in poses])
    return np.asarray(turned @ nearest_rotation(np.einsum("nji,njk->ik", turned, ours)))


def nearest_rotation(matrix: Floats) -> Floats:
    """The rotation nearest to a matrix (3, 3). Source: Kabsch (1976)."""
    u, _, vt = np.linalg.svd(matrix)
    u[:, -1] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt)


if __name__ == "__main__":
    try:
        main()
    except (BadDataset, BenchError, ModelError) as error:
        sys.exit(f"bench: {error}")
