"""`.pts` files."""

import numpy as np

from fkd.io.pts import format_pts, read_pts
from fkd.landmarks import PointsError
from fuzz.files import temporary_file


def seeds() -> list[bytes]:
    """With a header and without one, and numbers that are too large or none."""
    lines = "\n".join(f"{x} {x + 1}.5" for x in range(68))
    whole = format_pts(np.arange(136, dtype=np.float32).reshape(68, 2))
    odd = [whole.replace("1.000", number, 1) for number in ("1e300", "nan", "\u0661", "0x1")]
    return [text.encode() for text in (whole, lines, "", "{\n}\n", *odd)]


def check(data: bytes) -> None:
    """68 finite points come out, or PointsError."""
    try:
        with temporary_file(data, "face.pts") as path:
            points = read_pts(path)
    except PointsError:
        return
    assert points.shape == (68, 2) and points.dtype == np.float32, points.shape
    assert np.isfinite(points).all(), points
