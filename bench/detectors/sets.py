"""The sets of labelled pictures that detectors are scored on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.exchange import BenchError
from fkd.datasets import labelled_pictures
from fkd.geometry import Image
from fkd.io.images import read_image


class Labelled(NamedTuple):
    """image: uint8 (H, W, 3), BGR. faces: float (F, 3), as of a `LabelledPicture`."""

    image: Image
    faces: NDArray[np.float64]


class PictureSet(NamedTuple):
    """A folder that `read_pictures` reads, and by how many quarters its pictures are turned."""

    folder: Path
    quarters: int = 0

    def pictures(self) -> Iterator[Labelled]:
        """Its pictures, read one by one."""
        for picture in labelled_pictures.read_pictures(self.folder):
            image = read_image(self.folder / picture.name)
            colour = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
            yield turned(Labelled(colour, picture.faces), self.quarters)


def picture_sets(root: Path, turned_too: str) -> dict[str, PictureSet]:
    """The folders in a folder by name, and one of them with its pictures turned by 90 and 180
    degrees, "" for none. Raises BenchError."""
    if not root.is_dir():
        raise BenchError(f"{root}: no such folder; each folder in it is a set of labelled pictures")
    sets = {name: PictureSet(path) for name, path in labelled_pictures.picture_sets(root).items()}
    if turned_too and turned_too not in sets:
        raise BenchError(f"{root}: no set {turned_too!r} whose pictures could be turned")
    of = root / turned_too
    quarters = (1, 2) if turned_too else ()
    return sets | {f"{turned_too} turned {90 * n}": PictureSet(of, n) for n in quarters}


def turned(picture: Labelled, quarters: int) -> Labelled:
    """A picture and its faces turned counter-clockwise by quarter turns."""
    image, faces = picture
    for _ in range(quarters):
        x, y, side = faces.T
        faces = np.stack([y, image.shape[1] - 1 - x, side], axis=1)
        image = np.rot90(image)
    return Labelled(np.ascontiguousarray(image), faces)
