"""`.pts` files: 68 lines of "x y", 1-based, with or without iBUG's header and braces."""

from pathlib import Path

import numpy as np

from fkd.geometry import Points
from fkd.io.files import reason
from fkd.landmarks import PointsError, check_points

HEADER = ("version:", "n_points:")


def read_pts(path: Path) -> Points:
    """Points of a `.pts` file, float32 (68, 2), 0-based. Raises PointsError."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise PointsError(reason(error)) from None
    rows = [line.split() for line in lines if line.strip() and line.strip() not in "{}"]
    try:
        numbers = [(float(x), float(y)) for x, y in (r for r in rows if r[0] not in HEADER)]
    except ValueError:
        raise PointsError(f"{path.name} has a line that is not two numbers") from None
    return check_points(np.array(numbers).reshape(-1, 2) - 1.0)


def format_pts(points: Points) -> str:
    """The text of a `.pts` file, 1-based, for points (68, 2) in photo pixels."""
    numbers = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in points)
    return f"version: 1\nn_points: {len(points)}\n{{\n{numbers}\n}}\n"
