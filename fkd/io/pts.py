"""`.pts` files: 68 lines of "x y", 1-based, with or without iBUG's header and braces.

NAME.pts is the first face of a photo NAME, and NAME.face2.pts, NAME.face3.pts ... are its others.
"""

import re
from pathlib import Path

import numpy as np

from fkd.geometry import Points
from fkd.io.files import reason
from fkd.landmarks import PointsError, check_points

HEADER = ("version:", "n_points:")
# Ten times what 68 points need. Point clouds are called `.pts` too, and take gigabytes.
MAX_BYTES = 50_000
OTHER_FACE = re.compile(r"\.face\d+$")


def face_suffix(number: int, suffix: str) -> str:
    """What follows a photo's name in that of a face's file of any kind; number: from 1."""
    return suffix if number == 1 else f".face{number}{suffix}"


def pts_suffix(number: int) -> str:
    """As `face_suffix`, of a `.pts` file."""
    return face_suffix(number, ".pts")


def without_face_number(stem: str) -> str:
    """The name, without its suffix, of the photo of a `.pts` file, by that file's name without its
    suffix."""
    return OTHER_FACE.sub("", stem)


def read_pts(path: Path) -> Points:
    """Points of a `.pts` file, float32 (68, 2), 0-based. Raises PointsError."""
    lines = _text(path).splitlines()
    rows = [line.split() for line in lines if line.strip() and line.strip() not in "{}"]
    try:
        numbers = [(float(x), float(y)) for x, y in (r for r in rows if r[0] not in HEADER)]
    except ValueError:
        raise PointsError(f"{path.name} has a line that is not two numbers") from None
    return check_points(np.array(numbers).reshape(-1, 2) - 1.0)


def _text(path: Path) -> str:
    if not path.is_file():  # opening a pipe would wait for its other end
        raise PointsError(f"{path.name} is not a file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PointsError(reason(error)) from None
    if len(data) > MAX_BYTES:
        raise PointsError(f"{path.name} is longer than {MAX_BYTES} bytes")
    return data.decode(errors="replace")


def format_pts(points: Points) -> str:
    """The text of a `.pts` file, 1-based, for points (68, 2) in photo pixels."""
    numbers = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in points)
    return f"version: 1\nn_points: {len(points)}\n{{\n{numbers}\n}}\n"
