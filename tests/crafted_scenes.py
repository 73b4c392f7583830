"""Materials of scenes, and parameters, of which a test knows what must come out."""

import numpy as np

from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import Picture
from fkd.datasets.store import LabelledFace
from fkd.landmarks import LEFT_EYE, NOSE_TIP, OUTER_MOUTH_CORNERS, RIGHT_EYE

PARAMS = SceneParams(
    side=128,
    smallest_face=8,
    largest_face=0.7,
    empty_prob=0.1,
    more_people_mean=1.0,
    crowd_prob=0.1,
    roll_std=12,
    any_roll_prob=0.25,
    body_prob=0.0,
    portrait_prob=0.0,
    jumbled_prob=0.05,
    hidden_prob=0.1,
    contrast_std=0.1,
    gamma_std=0.1,
    blur_prob=0.2,
    downscale_prob=0.1,
    noise_prob=0.2,
    jpeg_prob=0.2,
    margin_prob=0.2,
)
# One person, whom nothing hides and no camera spoils.
PLAIN = PARAMS.model_copy(
    update={
        name: 0.0
        for name in PARAMS.model_dump()
        if name.endswith("_prob") or name in ("more_people_mean", "contrast_std", "gamma_std")
    }
)


def disc(brightness: float = 204, face: bool = True) -> Picture:
    """A head 80 pixels wide, with its 68 points, where it has a face, on a circle 48 wide."""
    rows, columns = np.mgrid[:96, :96]
    alpha = (255 * (np.hypot(rows - 48, columns - 48) < 40)).astype(np.uint8)
    pixels = (alpha * (brightness / 255)).astype(np.uint8)
    return Picture(pixels, alpha, circle(48, 24) if face else None)


def dotted() -> Picture:
    """A dim head, with a bright dot at each of its five points, each less bright than the last."""
    rows, columns = np.mgrid[:192, :192]
    alpha = (255 * (np.hypot(rows - 96, columns - 96) < 90)).astype(np.uint8)
    points = circle(96, 60)
    points[RIGHT_EYE] = circle(0, 4)[::12][:6] + (68, 76)
    points[LEFT_EYE] = circle(0, 4)[::12][:6] + (124, 76)
    points[[NOSE_TIP, *OUTER_MOUTH_CORNERS]] = [(96, 100), (72, 128), (120, 128)]
    eyes = [points[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    dots = [*eyes, *points[[NOSE_TIP, *OUTER_MOUTH_CORNERS]]]
    pixels = 25 * (alpha / 255)
    for (x, y), brightness in zip(dots, (125, 105, 85, 65, 45), strict=True):
        pixels += brightness * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 4.0**2))
    return Picture(np.round(pixels).astype(np.uint8), alpha, points)


def circle(middle: float, radius: float) -> np.ndarray:
    """68 points around (middle, middle)."""
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    around = np.column_stack([np.cos(turn), np.sin(turn)])
    return (middle + radius * around).astype(np.float32)


def portrait() -> LabelledFace:
    """A disc 40 pixels wide on dark ground, with 68 points on a circle 48 wide."""
    rows, columns = np.mgrid[:144, :96]
    grey = np.where(np.hypot(rows - 48, columns - 48) < 20, 220, 20).astype(np.uint8)
    return LabelledFace("a", "free", "a", grey, circle(48, 24), (21, 21, 55, 55), None)


def even(brightness: int = 20) -> Picture:
    """A background without anything on it."""
    return Picture(np.full((200, 240), brightness, np.uint8))
