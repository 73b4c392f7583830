"""What every reader yields: a labelled face that is read when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from fkd.geometry import Image, Points
from fkd.ground_truth import GroundTruth
from fkd.io.text import printable

MAX_NAME = 255  # characters of a sample's name


class BadSample(ValueError):
    """A face that must be left out; the message is the reason."""


class BadDataset(ValueError):
    """A data set that cannot be read at all; the message is one sentence that names the file."""


class LabelledPhoto(NamedTuple):
    """image: uint8 (H, W) grey or (H, W, 3) BGR. points: float32 (68, 2), its pixels, centres at
    integers. truth: what is known of a synthetic face besides."""

    image: Image
    points: Points
    truth: GroundTruth | None = None


@dataclass(frozen=True)
class Sample:
    """A photo with 68 points, not read yet.

    name: unique within the subset; what `check_name` refuses is rejected when it is prepared.
    subset: the data set it counts for. identity: the person, so that one person never stands on two
    sides of a split. official_test: the set's makers put it in their test. read() raises BadSample,
    PointsError or ImageError. synthetic: not of a real person, so that weights trained on it have
    no photo's licence.
    """

    name: str
    subset: str
    identity: str
    official_test: bool
    read: Callable[[], LabelledPhoto]
    synthetic: bool = False


def check_name(name: str) -> None:
    """Raises BadSample for a name that is too long for tables, or would not be shown as it is."""
    if len(name) > MAX_NAME:
        raise BadSample(f"the name has {len(name)} characters, more than {MAX_NAME}")
    if printable(name) != name:
        raise BadSample("the name has characters that cannot be shown")
