"""The CSV table of YouTube Faces, and the pictures that it names."""

import tempfile
from pathlib import Path

import numpy as np

from fkd.datasets.readers import youtube_faces
from fkd.datasets.sample import BadDataset, BadSample
from fkd.io.images import ImageError
from fkd.landmarks import PointsError
from fuzz.pictures import png_of

TABLE = youtube_faces.TABLES["training"]
HEADER = ",".join(["", *(str(i) for i in range(136))])
NUMBERS = ",".join(str(i) for i in range(136))


def seeds() -> list[bytes]:
    """A table with a good row, and with one that has a fault of each kind."""
    names = ["a_01.png", "../outside.png", "a\0.png", "n" * 5000, '"a\n.png"', "=1+1", "", "."]
    tables = [f"{HEADER}\n{name},{NUMBERS}\n" for name in names]
    tables += [f"{HEADER}\na_01.png,1e300{NUMBERS[1:]}\n", f"{HEADER}\na_01.png,1,2\n", "", HEADER]
    odd = [f"{HEADER}\n".encode() + b"\xe9.png,1\n", f"{HEADER}\n".encode() + b"x" * 140_000]
    return [table.encode() for table in tables] + odd


def check(data: bytes) -> None:
    """Samples come out, or BadDataset; each is read, or rejected with a reason; none from outside
    of the set's folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "set")
        (root / "training").mkdir(parents=True)
        (root / "training" / "a_01.png").write_bytes(png_of(64))
        for outside in (root / "outside.png", root.parent / "outside.png"):
            outside.write_bytes(png_of(64))
        (root / TABLE).write_bytes(data)
        (root / youtube_faces.TABLES["test"]).write_text(f"{HEADER}\n")
        try:
            samples = list(youtube_faces.samples(root, "set"))
        except BadDataset:
            return
        for sample in samples:
            try:
                _, points, _ = sample.read()
            except (BadSample, PointsError, ImageError):
                continue
            assert "a_01.png" in sample.name and ".." not in Path(sample.name).parts, sample.name
            assert np.isfinite(points).all(), points
