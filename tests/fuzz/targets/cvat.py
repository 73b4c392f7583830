"""XML files of CVAT, and the photos that they name."""

import tempfile
from pathlib import Path

import numpy as np

from fkd.datasets import cvat
from fkd.datasets.sample import BadDataset
from fkd.io.pts import read_pts
from fuzz.pictures import png_of

POINTS = ";".join(f"{x},{x + 1}.5" for x in range(68))
IMAGE = '<image id="0" name="{}" width="64" height="64"><points label="face" points="{}"/></image>'


def seeds() -> list[bytes]:
    """A file with a good face, and with one that has a fault of each kind."""
    names = ["a.png", "../outside.png", "n" * 5000, "", ".", "&#10;.png"]
    images = [IMAGE.format(name, POINTS) for name in names]
    images += [IMAGE.format("a.png", points) for points in ("", "1,2", "nan,1;" * 68, "1e300,1")]
    bomb = '<!DOCTYPE a [<!ENTITY b "b">]>'
    files = [f"<annotations>{image}</annotations>" for image in images]
    return [text.encode() for text in (*files, bomb + files[0], "<a>" * 1000, "")]


def check(data: bytes) -> None:
    """Labels of the one photo come out, with 68 finite points, or BadDataset; nothing is written
    outside of the folder."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "photos")
        folder.mkdir()
        for photo in (folder / "a.png", Path(parent, "outside.png")):
            photo.write_bytes(png_of(64))
        file = Path(parent, "a.xml")
        file.write_bytes(data)
        try:
            cvat.import_cvat(file, folder)
        except BadDataset:
            return
        assert len(list(Path(parent).iterdir())) == 3, list(Path(parent).iterdir())
        for labels in folder.glob("*.pts"):
            assert np.isfinite(read_pts(labels)).all(), labels
