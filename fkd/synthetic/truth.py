"""What the renderer knows of a face beside its 68 points."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points
from fkd.ground_truth import GroundTruth
from fkd.synthetic.canvas import Canvas
from fkd.synthetic.keypoints import PlacedPoints
from fkd.synthetic.mesh import RACES
from fkd.synthetic.shot import Shot

# A point is seen when no surface is further than this in front of it, decimetres: annotated
# positions lie a little off the surface.
SURFACE = 0.12
# The jaw's points stand for the outline of the face as it is seen from the front, where a head that
# is turned by up to 20 degrees comes so far in front of them.
JAW_SURFACE = 0.45
# What takes more of a pixel than this hides it.
HIDES = 0.5


def ground_truth(
    shot: Shot, points: PlacedPoints, canvas: Canvas, attributes: dict[str, float]
) -> GroundTruth:
    """The truth of a rendered head; depth in pixels of the canvas. attributes: those of the picture
    that the shot does not tell."""
    view, placed = shot.head.view, points.placed
    visible = _seen(placed, canvas, SURFACE) & (_at(_softened(canvas.cover), placed) <= HIDES)
    # On the far side the jaw is annotated on the outline of what hides it.
    visible[:17] &= _seen(points.jaw, canvas, JAW_SURFACE)
    depth = (placed[:, 2].mean() - placed[:, 2]) * view.scale
    told = {**_of_person(shot), **attributes}
    return GroundTruth(visible, depth.astype(np.float32), view.pose, told)


def hidden_behind(truth: GroundTruth, points: Points, mask: NDArray[np.float32]) -> GroundTruth:
    """The truth of a picture (S, S) where something lies before the head. points: (68, 2), its
    pixels. mask: (S, S), 0..1, what it hides."""
    return truth.hidden(_at(mask, points + 0.5) > HIDES)


def _of_person(shot: Shot) -> dict[str, float]:
    """Numbers that describe a person and the light: see `fkd.evaluation.groups`."""
    person, looks, light = shot.head.person, shot.appearance, shot.lighting
    units = person.units
    strongest = max(source.strength for source in light.sources)
    return {
        "age": person.kind.age,
        "male": person.kind.male,
        **dict(zip(RACES, person.kind.ancestry, strict=True)),
        "skin_albedo": looks.albedo,
        "beard": float(looks.texture.beard.max() > 0),
        "hat": float(looks.hair.hat),
        "long_hair": float(looks.hair.long),
        "smile": (units.get("mouthSmileLeft", 0.0) + units.get("mouthSmileRight", 0.0)) / 2,
        "mouth_open": units.get("jawOpen", 0.0),
        "eyes_closed": (units.get("eyeBlinkLeft", 0.0) + units.get("eyeBlinkRight", 0.0)) / 2,
        "directed_light": strongest / (strongest + light.ambient),
    }


def _softened(cover: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between strands of hair the skin shows through: what counts is how dense they are."""
    return np.asarray(cv2.blur(cover, (5, 5)), np.float32)


def _seen(placed: NDArray[np.float32], canvas: Canvas, room: float) -> NDArray[np.bool_]:
    """Whether positions (P, 3), pixels and depth, are in the picture, with nothing further before
    them than so many decimetres."""
    inside = ((placed[:, :2] >= 0) & (placed[:, :2] < canvas.side)).all(axis=1)
    return np.asarray(inside & (placed[:, 2] > _at(canvas.depth, placed) - room))


def _at(picture: NDArray[np.float32], placed: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture's values in the pixels at positions (P, 2), its corner at (0, 0); of the nearest
    pixel for those outside."""
    columns, rows = np.clip(placed[:, :2].astype(int), 0, len(picture) - 1).T
    return picture[rows, columns]
