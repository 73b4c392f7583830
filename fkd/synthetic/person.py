"""One person's head: a weighted sum of morph targets, at rest and in some expression."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy, load_anatomy
from fkd.synthetic.expression import add_expression
from fkd.synthetic.mesh import RACES, STRONGEST, Mesh, load_mesh
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
# Years that the targets of an age stand for, about.
AGES = {"child": 11.0, "young": 25.0, "old": 80.0}
# Heads that the mean of the sampled identities is estimated from.
MEAN_BIAS_HEADS = 300


class Demographics(NamedTuple):
    """male: 0..1. age: years, about, by what the morph targets stand for. ancestry: weights of
    RACES, whose sum is 1. child: whether it is a child or nearly."""

    male: float
    age: float
    ancestry: tuple[float, ...]
    child: bool


@dataclass(frozen=True)
class Person:
    """vertices: float32 (V, 3), unposed, decimetres. kind: sex, age and ancestry. gaze: tangent of
    the eyes' angle to the left and up, beside the head's. units: weights of the face units of the
    expression, by name.
    """

    vertices: NDArray[np.float32]
    kind: Demographics
    gaze: tuple[float, float]
    units: dict[str, float]


@dataclass(frozen=True)
class Trait:
    """A morph target and its opposite ("" when it has none); left ones move both sides."""

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


def sample_person(rng: Generator, identity: Identity, expression: Expression) -> Person:
    """A random person."""
    vertices, kind = _sample_identity(rng, identity)
    vertices -= mean_bias(identity)
    gaze, units = add_expression(rng, expression, load_mesh(), vertices)
    return Person(vertices, kind, gaze, units)


@cache
def mean_bias(identity: Identity) -> NDArray[np.float32]:
    """The mean of many sampled identities minus the fitted mean head, float32 (V, 3), decimetres.

    Random traits do not average out (the heaviest weight adds more than the lightest takes away),
    but the mean head was fitted to the mean of many people, so every head is moved back by this.
    """
    rngs = [np.random.default_rng([0, i]) for i in range(MEAN_BIAS_HEADS)]
    heads = [_sample_identity(rng, identity)[0] for rng in rngs]
    return np.asarray(np.mean(heads, axis=0) - load_anatomy().mean, np.float32)


def _sample_identity(
    rng: Generator, identity: Identity
) -> tuple[NDArray[np.float32], Demographics]:
    """A head at rest, its mean not corrected yet (V, 3), and whose it is."""
    mesh, anatomy = load_mesh(), load_anatomy()
    vertices = mesh.vertices.copy()
    kind = _add_macro_targets(rng, identity, mesh, vertices)
    weight = rng.normal(identity.mean_head_fit_mean, identity.mean_head_fit_std)
    vertices += np.float32(np.clip(weight, 0, 1.8)) * anatomy.fit
    _add_traits(rng, identity, mesh, vertices)
    return _stretched(rng, identity, anatomy, vertices), kind


def _add_macro_targets(
    rng: Generator, identity: Identity, mesh: Mesh, vertices: NDArray[np.float32]
) -> Demographics:
    """Race, sex, age, muscle and weight, in place."""
    races = rng.dirichlet([0.45] * 3)
    male = float(rng.beta(0.35, 0.35))
    kind, blend = rng.random(), rng.random()
    if kind < identity.child_prob:
        ages = {"child": 0.8 * blend, "young": 1 - 0.8 * blend}
    elif kind < identity.child_prob + identity.young_prob:
        ages = {"young": 1.0}
    else:
        ages = {"young": 1 - blend, "old": blend}
    for sex, sex_weight in (("male", male), ("female", 1 - male)):
        for age, age_weight in ages.items():
            weight = sex_weight * age_weight
            for race, race_weight in zip(RACES, races, strict=True):
                _add(mesh, vertices, f"macro/{race}-{sex}-{age}", weight * race_weight)
            for muscle, m in _level_weights(rng.uniform(-1, 1), "muscle"):
                for fat, w in _level_weights(rng.uniform(-1, 1), "weight"):
                    name = f"macro/universal-{sex}-{age}-{muscle}-{fat}"
                    _add(mesh, vertices, name, weight * m * w)
    years = sum(AGES[age] * weight for age, weight in ages.items())
    child = kind < identity.child_prob and blend > 0.3
    return Demographics(male, years, tuple(float(weight) for weight in races), child)


def _level_weights(level: float, name: str) -> list[tuple[str, float]]:
    """A level of -1..1 as weights of the minimum, average and maximum target."""
    return [
        (f"min{name}", max(-level, 0.0)),
        (f"average{name}", 1 - abs(level)),
        (f"max{name}", max(level, 0.0)),
    ]


def _add(mesh: Mesh, vertices: NDArray[np.float32], name: str, weight: float) -> None:
    if weight > 0.02:
        mesh.add_target(vertices, name, weight)


def _add_traits(
    rng: Generator, identity: Identity, mesh: Mesh, vertices: NDArray[np.float32]
) -> None:
    """Random traits and asymmetries, in place."""
    std = rng.uniform(*identity.trait_std)
    for trait in traits():
        if rng.random() > identity.trait_prob:
            continue
        # Whole-head and chin targets move many points at once.
        damping = 0.75 if trait.name.startswith(("head", "chin")) else 1.0
        weight = float(np.clip(rng.normal(0, std * damping), -STRONGEST, STRONGEST))
        name = trait.name
        if not trait.opposite:
            weight = 0.8 * abs(weight)
        elif weight < 0:
            name, weight = trait.opposite, -weight
        mesh.add_target(vertices, name, weight)
        if "/l-" in name:
            other = float(np.clip(rng.normal(1, 0.12), 0.6, 1.4))
            mesh.add_target(vertices, name.replace("/l-", "/r-"), weight * other)
    for name in mesh.targets:
        if name.startswith("asym/") and rng.random() < identity.asymmetry_prob:
            mesh.add_target(vertices, name, rng.uniform(*identity.asymmetry))


def _stretched(
    rng: Generator, identity: Identity, anatomy: Anatomy, vertices: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The head stretched a little, and moved so that the eyes are where the mean head's are:
    a child's targets lower the whole head by decimetres."""
    mesh = load_mesh()
    eyes = mesh.left_eye | mesh.right_eye
    middle = np.array([0.0, vertices[eyes, 1].mean(), 1.0], np.float32)
    factors = rng.normal(1.0, identity.stretch_std).astype(np.float32)
    vertices = (vertices - middle) * factors + middle
    moved = vertices + anatomy.mean[eyes].mean(axis=0) - vertices[eyes].mean(axis=0)
    return np.asarray(moved, np.float32)
