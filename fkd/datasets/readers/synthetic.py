"""The embedded data set: a folder with a recipe from which faces are rendered."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fkd.datasets.sample import BadDataset, LabelledPhoto, Sample
from fkd.io.config import ConfigError
from fkd.synthetic.recipe import Recipe, load_recipe

FOLDER = Path("data/synthetic")  # the recipe of this repository, whatever data.root is
RECIPE = "recipe.yaml"


def recognises(folder: Path) -> bool:
    """Whether the folder holds a recipe."""
    return (folder / RECIPE).is_file()


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """One sample for each face of the recipe; reading it renders it. Raises BadDataset."""
    try:
        recipe = load_recipe(folder / RECIPE)
    except ConfigError as error:
        raise BadDataset(str(error)) from None
    for index in range(recipe.count):
        name = f"{index:06d}"
        yield Sample(name, subset, name, False, partial(_rendered, recipe, index), synthetic=True)


def _rendered(recipe: Recipe, index: int) -> LabelledPhoto:
    from fkd.synthetic.face import render_face  # mesh and compiler load only when rendering

    return LabelledPhoto(*render_face(recipe, index))
