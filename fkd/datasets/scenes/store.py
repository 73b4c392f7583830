"""What scenes are made of, on disk: pictures in one flat file that is mapped, and a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.sample import BadDataset
from fkd.geometry import Image, Points
from fkd.io.files import whole_file

HEADS, BACKGROUNDS = "heads", "backgrounds"
PIXELS, TABLE = "pixels.bin", "table.npz"
NO_POINTS = np.zeros((68, 2), np.float32)


@dataclass(frozen=True)
class Picture:
    """Something that goes into a scene.

    pixels: uint8 (H, W) grey. alpha: uint8 (H, W), how much it covers, 255 for all; the pixels of
    a head are darkened by it. points: float32 (68, 2), pixels, of a head that shows its face, else
    None. yaw: of a head, degrees.
    """

    pixels: Image
    alpha: Image | None = None
    points: Points | None = None
    yaw: float = 0.0


@dataclass(frozen=True)
class Materials:
    """What scenes are composed of. portraits: of real people, which take the place of heads."""

    heads: Sequence[Picture]
    backgrounds: Sequence[Picture]
    portraits: Sequence[Picture] = ()


def save_pictures(pictures: Iterable[Picture], folder: Path) -> int:
    """Write pictures one by one as they come; returns how many. Both files are written whole or
    not at all. Raises OSError that names the one at fault."""
    shapes, points, yaws, faces, cut_out = [], [], [], [], []
    with whole_file(folder / PIXELS) as pixels:
        with pixels.open("wb") as file:
            for picture in pictures:
                file.write(np.ascontiguousarray(picture.pixels).tobytes())
                if picture.alpha is not None:
                    file.write(np.ascontiguousarray(picture.alpha).tobytes())
                shapes.append(picture.pixels.shape)
                points.append(NO_POINTS if picture.points is None else picture.points)
                yaws.append(picture.yaw)
                faces.append(picture.points is not None)
                cut_out.append(picture.alpha is not None)
        with whole_file(folder / TABLE) as table:
            np.savez(
                table,
                shapes=np.array(shapes, np.int64).reshape(-1, 2),
                points=np.array(points, np.float32).reshape(-1, 68, 2),
                yaws=np.array(yaws, np.float32),
                faces=np.array(faces, np.bool_),
                cut_out=np.array(cut_out, np.bool_),
            )
    return len(shapes)


@dataclass(frozen=True)
class Pictures(Sequence[Picture]):
    """Stored pictures, read when they are asked for."""

    pixels: NDArray[np.uint8]
    table: dict[str, NDArray]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Picture:  # type: ignore[override]  # no slices
        height, width = (int(length) for length in self.table["shapes"][index])
        count = 1 + int(self.table["cut_out"][index])
        end = int(self.ends[index])
        layers = self.pixels[end - count * height * width : end].reshape(count, height, width)
        points = self.table["points"][index] if self.table["faces"][index] else None
        alpha = layers[1] if count == 2 else None
        return Picture(layers[0], alpha, points, float(self.table["yaws"][index]))


def load_pictures(folder: Path) -> Pictures:
    """The pictures that `save_pictures` wrote. Raises OSError when they cannot be read, BadDataset
    when they are damaged."""
    try:
        with np.load(folder / TABLE) as stored:
            table = {key: stored[key] for key in stored.files}
        ends = np.cumsum(table["shapes"].prod(axis=1) * (1 + table["cut_out"]))
        pixels = np.memmap(folder / PIXELS, np.uint8, mode="r", shape=(int(ends[-1]),))
    except (ValueError, KeyError, IndexError, EOFError, BadZipFile):
        raise BadDataset(f"{folder}: its pictures are damaged; prepare them again") from None
    return Pictures(pixels, table, ends)


def load_materials(folder: Path) -> Materials:
    """What was saved in two folders of one, read when it is asked for. Raises OSError,
    BadDataset."""
    return Materials(load_pictures(folder / HEADS), load_pictures(folder / BACKGROUNDS))
