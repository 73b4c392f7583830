"""Facial expressions: weights of face units, which are morph targets with ARKit's names."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.mesh import STRONGEST, Mesh
from fkd.synthetic.recipe import Expression


class FaceUnits:
    """Weights of face units as they are sampled; what is named twice adds up."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.weights: dict[str, float] = {}

    def add(self, name: str, weight: float) -> None:
        """One unit, by its whole name."""
        self.weights[name] = self.weights.get(name, 0.0) + weight

    def add_pair(self, name: str, weight: float) -> None:
        """The left and the right unit of a name, not quite alike."""
        for side in ("Left", "Right"):
            self.add(f"{name}{side}", weight * float(np.clip(self.rng.normal(1, 0.15), 0.4, 1.5)))


def add_expression(
    rng: Generator, expression: Expression, mesh: Mesh, vertices: NDArray[np.float32]
) -> tuple[tuple[float, float], dict[str, float]]:
    """Move the mouth, brows and lids of vertices (V, 3), in place; returns the gaze, and the
    weights of the face units by name.

    The gaze is the tangent of the eyes' angle to the left and up, beside the head's.
    """
    units = FaceUnits(rng)
    _sample_mouth(units, expression, mesh)
    _sample_brows(units, expression)
    _sample_lids(units, expression)
    gaze = (
        float(rng.normal(0, expression.gaze_std[0])),
        float(rng.normal(0, expression.gaze_std[1])),
    )
    if gaze[1] < -0.12:
        units.add_pair("eyeLookDown", min(-2 * gaze[1], 0.8))
    for name, weight in units.weights.items():
        if weight > 0.01:
            mesh.add_target(vertices, f"arkit/{name}", min(weight, STRONGEST))
    if rng.random() < expression.crease_prob:
        creases = [n for n in mesh.targets if n.startswith("unit/") and _is_crease(n)]
        mesh.add_target(vertices, creases[rng.integers(len(creases))], rng.uniform(0.1, 0.6))
    return gaze, units.weights


def _is_crease(name: str) -> bool:
    return "closure" not in name and "platysma" not in name


def _sample_mouth(units: FaceUnits, expression: Expression, mesh: Mesh) -> None:
    rng, kind = units.rng, units.rng.random()
    edges = np.cumsum(
        [
            expression.smile_prob,
            expression.mouth_open_prob,
            expression.frown_prob,
            expression.pucker_prob,
            expression.mixed_prob,
        ]
    )
    if kind < edges[0]:
        _sample_smile(units, expression)
    elif kind < edges[1]:
        units.add("jawOpen", rng.uniform(*expression.mouth_open))
        if rng.random() < 0.3:
            units.add("mouthFunnel", rng.random())
        for name in ("mouthStretch", "mouthLowerDown"):
            if rng.random() < 0.3:
                units.add_pair(name, rng.random())
    elif kind < edges[2]:
        units.add_pair("mouthFrown", rng.random())
        units.add_pair("mouthPress", 0.6 * rng.random())
    elif kind < edges[3]:
        units.add("mouthPucker", rng.random())
        units.add("mouthFunnel", 0.6 * rng.random())
    elif kind < edges[4]:
        names = [n.removeprefix("arkit/") for n in mesh.targets if n.startswith("arkit/")]
        for name in rng.choice(names, rng.integers(1, 5), replace=False):
            if "eyeLook" not in name:
                units.add(str(name), rng.uniform(0.1, 0.8))


def _sample_smile(units: FaceUnits, expression: Expression) -> None:
    rng = units.rng
    smile = rng.uniform(*expression.smile)
    units.add_pair("mouthSmile", smile)
    units.add_pair("cheekSquint", smile * rng.random())
    units.add_pair("eyeSquint", 0.7 * smile * rng.random())
    if rng.random() < expression.smile_teeth_prob:
        units.add_pair("mouthUpperUp", smile * rng.uniform(0, 0.8))
        units.add_pair("mouthLowerDown", smile * rng.uniform(0, 0.8))
    if rng.random() < expression.smile_open_prob:
        units.add("jawOpen", rng.uniform(*expression.smile_open))
    if rng.random() < 0.3:
        units.add_pair("mouthStretch", rng.uniform(0, 0.5))


def _sample_brows(units: FaceUnits, expression: Expression) -> None:
    rng, kind = units.rng, units.rng.random()
    if kind < expression.brows_up_prob:
        units.add("browInnerUp", rng.random())
        units.add_pair("browOuterUp", 0.9 * rng.random())
    elif kind < expression.brows_up_prob + expression.brows_down_prob:
        units.add_pair("browDown", rng.random())
        units.add_pair("noseSneer", 0.5 * rng.random() if rng.random() < 0.3 else 0.0)


def _sample_lids(units: FaceUnits, expression: Expression) -> None:
    rng = units.rng
    edges = np.cumsum(
        [
            expression.eyes_closed_prob,
            expression.eyes_drooping_prob,
            expression.eyes_wide_prob,
            expression.eyes_squint_prob,
        ]
    )
    match int(np.searchsorted(edges, rng.random(), side="right")):
        case 0:
            units.add_pair("eyeBlink", rng.uniform(*expression.eyes_closed))
        case 1:
            units.add_pair("eyeBlink", rng.uniform(*expression.eyes_drooping))
        case 2:
            units.add_pair("eyeWide", rng.random())
        case 3:
            units.add_pair("eyeSquint", rng.random())
