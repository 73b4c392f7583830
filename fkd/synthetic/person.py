"""One person's head at rest in some expression: a weighted sum of shape targets."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy, load_anatomy
from fkd.synthetic.mesh import RACES, Mesh, load_mesh
from fkd.synthetic.recipe import Expression, Identity

# Targets come in opposite pairs by the last word of their names.
OPPOSITES = {
    "decr": "incr",
    "down": "up",
    "in": "out",
    "compress": "uncompress",
    "concave": "convex",
    "backward": "forward",
}
STRONGEST = 1.2
# Heads that the crowd's mean is taken of.
CROWD = 300


@dataclass(frozen=True)
class Person:
    """vertices: float32 (V, 3), unposed. male: 0..1. child: a child or nearly. gaze: tangent of
    the eyes' angle to the left and up, beside the head's.
    """

    vertices: NDArray[np.float32]
    male: float
    child: bool
    gaze: tuple[float, float]


@dataclass(frozen=True)
class Trait:
    """A shape target and its opposite ("" when it has none); left ones move both sides."""

    name: str
    opposite: str


@cache
def traits() -> tuple[Trait, ...]:
    """All that makes heads differ, from the names of the mesh's targets."""
    found = []
    names = load_mesh().targets
    for name in names:
        part, _, rest = name.partition("/")
        if part in ("macro", "unit", "arkit", "asym") or rest.startswith("r-"):
            continue
        stem, _, last = name.rpartition("-")
        if last in OPPOSITES and f"{stem}-{OPPOSITES[last]}" in names:
            found.append(Trait(name, f"{stem}-{OPPOSITES[last]}"))
        elif last not in OPPOSITES and last not in OPPOSITES.values():
            found.append(Trait(name, ""))
    return tuple(found)


def draw_person(rng: Generator, identity: Identity, expression: Expression) -> Person:
    """A person at random."""
    vertices, male, child = _draw_identity(rng, identity)
    vertices -= crowd_drift(identity)
    gaze = _add_expression(rng, expression, load_mesh(), vertices)
    return Person(vertices, male, child, gaze)


@cache
def crowd_drift(identity: Identity) -> NDArray[np.float32]:
    """How the mean of a crowd differs from the calibrated mean head, float32 (V, 3).

    Traits at random do not average out (the heaviest weight adds more than the lightest takes
    away), but the calibration is the mean of a crowd: so the crowd is moved back onto it.
    """
    heads = [_draw_identity(np.random.default_rng([0, i]), identity)[0] for i in range(CROWD)]
    return np.asarray(np.mean(heads, axis=0) - load_anatomy().mean, np.float32)


def _draw_identity(rng: Generator, identity: Identity) -> tuple[NDArray[np.float32], float, bool]:
    """A head at rest, unmoved from the random draw; male 0..1; a child."""
    mesh, anatomy = load_mesh(), load_anatomy()
    vertices = mesh.vertices.copy()
    male, child = _add_kind(rng, identity, mesh, vertices)
    share = rng.normal(identity.calibration_mean, identity.calibration_sd)
    vertices += np.float32(np.clip(share, 0, 1.8)) * anatomy.fit
    _add_traits(rng, identity, mesh, vertices)
    return _stretched(rng, identity, mesh, anatomy, vertices), male, child


def _add_kind(
    rng: Generator, identity: Identity, mesh: Mesh, vertices: NDArray[np.float32]
) -> tuple[float, bool]:
    """Race, sex, age, muscle and weight; returns (male 0..1, child)."""
    races = rng.dirichlet([0.45] * 3)
    male = float(rng.beta(0.35, 0.35))
    kind, blend = rng.random(), rng.random()
    if kind < identity.child_share:
        ages = {"child": 0.8 * blend, "young": 1 - 0.8 * blend}
    elif kind < identity.child_share + identity.young_share:
        ages = {"young": 1.0}
    else:
        ages = {"young": 1 - blend, "old": blend}
    for sex, sex_weight in (("male", male), ("female", 1 - male)):
        for age, age_weight in ages.items():
            weight = sex_weight * age_weight
            for race, race_weight in zip(RACES, races, strict=True):
                _add(mesh, vertices, f"macro/{race}-{sex}-{age}", weight * race_weight)
            for muscle, m in _three(rng.uniform(-1, 1), "muscle"):
                for fat, w in _three(rng.uniform(-1, 1), "weight"):
                    _add(
                        mesh,
                        vertices,
                        f"macro/universal-{sex}-{age}-{muscle}-{fat}",
                        weight * m * w,
                    )
    return male, kind < identity.child_share and blend > 0.3


def _three(level: float, name: str) -> list[tuple[str, float]]:
    """A level of -1..1 as weights of the minimum, average and maximum target."""
    return [
        (f"min{name}", max(-level, 0.0)),
        (f"average{name}", 1 - abs(level)),
        (f"max{name}", max(level, 0.0)),
    ]


def _add(mesh: Mesh, vertices: NDArray[np.float32], name: str, weight: float) -> None:
    if weight > 0.02:
        mesh.add(vertices, name, weight)


def _add_traits(
    rng: Generator, identity: Identity, mesh: Mesh, vertices: NDArray[np.float32]
) -> None:
    spread = rng.uniform(*identity.trait_sd)
    for trait in traits():
        if rng.random() > identity.trait_share:
            continue
        # Whole-head and chin targets move many points at once.
        calm = 0.75 if trait.name.startswith(("head", "chin")) else 1.0
        weight = float(np.clip(rng.normal(0, spread * calm), -STRONGEST, STRONGEST))
        name = trait.name
        if not trait.opposite:
            weight = 0.8 * abs(weight)
        elif weight < 0:
            name, weight = trait.opposite, -weight
        mesh.add(vertices, name, weight)
        if "/l-" in name:
            other = float(np.clip(rng.normal(1, 0.12), 0.6, 1.4))
            mesh.add(vertices, name.replace("/l-", "/r-"), weight * other)
    for name in mesh.targets:
        if name.startswith("asym/") and rng.random() < identity.asymmetry_share:
            mesh.add(vertices, name, rng.uniform(*identity.asymmetry))


def _stretched(
    rng: Generator,
    identity: Identity,
    mesh: Mesh,
    anatomy: Anatomy,
    vertices: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The head stretched a little, and moved so that the eyes are where the mean head's are:
    a child's targets lower the whole head by decimetres."""
    eyes = mesh.left_eye | mesh.right_eye
    middle = np.array([0.0, vertices[eyes, 1].mean(), 1.0], np.float32)
    factors = rng.normal(1.0, identity.stretch_sd).astype(np.float32)
    vertices = (vertices - middle) * factors + middle
    moved = vertices + anatomy.mean[eyes].mean(axis=0) - vertices[eyes].mean(axis=0)
    return np.asarray(moved, np.float32)


def _add_expression(
    rng: Generator, expression: Expression, mesh: Mesh, vertices: NDArray[np.float32]
) -> tuple[float, float]:
    """Move the mouth, brows and lids; returns where the eyes look."""
    units: dict[str, float] = {}

    def both(name: str, weight: float) -> None:
        for side in ("Left", "Right"):
            one(f"{name}{side}", weight * float(np.clip(rng.normal(1, 0.15), 0.4, 1.5)))

    def one(name: str, weight: float) -> None:
        units[name] = units.get(name, 0.0) + weight

    _choose_mouth(rng, expression, mesh, both, one)
    kind = rng.random()
    if kind < expression.brows_up_share:
        one("browInnerUp", rng.random())
        both("browOuterUp", 0.9 * rng.random())
    elif kind < expression.brows_up_share + expression.brows_down_share:
        both("browDown", rng.random())
        both("noseSneer", 0.5 * rng.random() if rng.random() < 0.3 else 0.0)
    lids = np.cumsum(
        [
            expression.closed_share,
            expression.drooping_share,
            expression.wide_share,
            expression.squint_share,
        ]
    )
    kind = int(np.searchsorted(lids, rng.random(), side="right"))
    if kind == 0:
        both("eyeBlink", rng.uniform(*expression.closed))
    elif kind == 1:
        both("eyeBlink", rng.uniform(*expression.drooping))
    elif kind == 2:
        both("eyeWide", rng.random())
    elif kind == 3:
        both("eyeSquint", rng.random())
    gaze = float(rng.normal(0, expression.gaze_sd[0])), float(rng.normal(0, expression.gaze_sd[1]))
    if gaze[1] < -0.12:
        both("eyeLookDown", min(-2 * gaze[1], 0.8))
    for name, weight in units.items():
        if weight > 0.01:
            mesh.add(vertices, f"arkit/{name}", min(weight, STRONGEST))
    if rng.random() < expression.crease_share:
        creases = [n for n in mesh.targets if n.startswith("unit/") and _is_crease(n)]
        mesh.add(vertices, creases[rng.integers(len(creases))], rng.uniform(0.1, 0.6))
    return gaze


def _is_crease(name: str) -> bool:
    return "closure" not in name and "platysma" not in name


def _choose_mouth(rng: Generator, expression: Expression, mesh: Mesh, both, one) -> None:  # type: ignore[no-untyped-def]
    kind = rng.random()
    edges = np.cumsum(
        [
            expression.smile_share,
            expression.open_share,
            expression.frown_share,
            expression.pucker_share,
            expression.mixed_share,
        ]
    )
    if kind < edges[0]:
        smile = rng.uniform(*expression.smile)
        both("mouthSmile", smile)
        both("cheekSquint", smile * rng.random())
        both("eyeSquint", 0.7 * smile * rng.random())
        if rng.random() < expression.smile_teeth_share:
            both("mouthUpperUp", smile * rng.uniform(0, 0.8))
            both("mouthLowerDown", smile * rng.uniform(0, 0.8))
        if rng.random() < expression.smile_open_share:
            one("jawOpen", rng.uniform(*expression.smile_open))
        if rng.random() < 0.3:
            both("mouthStretch", rng.uniform(0, 0.5))
    elif kind < edges[1]:
        one("jawOpen", rng.uniform(*expression.open))
        if rng.random() < 0.3:
            one("mouthFunnel", rng.random())
        for name in ("mouthStretch", "mouthLowerDown"):
            if rng.random() < 0.3:
                both(name, rng.random())
    elif kind < edges[2]:
        both("mouthFrown", rng.random())
        both("mouthPress", 0.6 * rng.random())
    elif kind < edges[3]:
        one("mouthPucker", rng.random())
        one("mouthFunnel", 0.6 * rng.random())
    elif kind < edges[4]:
        names = [n.removeprefix("arkit/") for n in mesh.targets if n.startswith("arkit/")]
        for name in rng.choice(names, rng.integers(1, 5), replace=False):
            if "eyeLook" not in name:
                one(str(name), rng.uniform(0.1, 0.8))
