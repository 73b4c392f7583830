"""What the synthetic faces are like: recipe.yaml as checked, frozen models.

A range is sampled uniformly; `*_prob` is a probability, `*_std` a standard deviation of a normal
distribution. Lengths on the head are decimetres, radiance and albedo are 0..1.
"""

from pathlib import Path

from pydantic import Field

from fkd.io.config import Section, read_yaml, validated
from fkd.synthetic.recipe_person import Brows, Expression, Glasses, Hair, Identity, Skin
from fkd.synthetic.recipe_photo import Degradation, Light, Pose, Scene

__all__ = [
    "Brows",
    "Degradation",
    "Expression",
    "Glasses",
    "Hair",
    "Identity",
    "Light",
    "Pose",
    "Recipe",
    "Scene",
    "Skin",
    "load_recipe",
]


class Recipe(Section):
    """A set of synthetic faces; face i depends on the seed and i alone."""

    count: int = Field(ge=1, le=1_000_000, description="How many faces there are.")
    seed: int = Field(ge=0, description="Seed of all randomness.")
    size: int = Field(ge=32, le=2048, description="Side of the square pictures, pixels.")
    supersample: int = Field(
        ge=1,
        le=4,
        description="A face is rendered so many times larger and shrunk, against aliasing.",
    )
    identity: Identity = Field(description="The shape of heads.")
    expression: Expression = Field(description="What faces do.")
    pose: Pose = Field(description="How heads are turned, and where they are in the picture.")
    light: Light = Field(description="Light sources, the sky, and the camera's exposure.")
    skin: Skin = Field(description="The colour and the texture of the skin.")
    brows: Brows = Field(description="Where eyebrows lie and how they look.")
    hair: Hair = Field(description="Hair on the head, beards and hats.")
    glasses: Glasses = Field(description="Glasses and sunglasses.")
    scene: Scene = Field(description="What is behind the person, and what hides the face.")
    degradation: Degradation = Field(description="What the camera and the file do to the picture.")


def load_recipe(path: Path) -> Recipe:
    """The checked contents of a recipe file. Raises ConfigError that names the key at fault."""
    return validated(Recipe, read_yaml(path), path.name)
