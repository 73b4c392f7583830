"""The embedded data set: a folder with a recipe from which faces are drawn."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fkd.datasets.sample import BadDataset, Sample
from fkd.params import ParamsError
from fkd.synthetic.recipe import load_recipe

FOLDER = Path("data/synthetic")  # what this repository draws itself, whatever data.root is
RECIPE = "recipe.yaml"


def recognises(folder: Path) -> bool:
    """Whether the folder holds a recipe."""
    return (folder / RECIPE).is_file()


def samples(folder: Path, subset: str) -> Iterator[Sample]:
    """One sample for each face of the recipe; reading it draws it. Raises BadDataset."""
    from fkd.synthetic.face import draw_face  # the mesh and the compiler load only when drawing

    try:
        recipe = load_recipe(folder / RECIPE)
    except ParamsError as error:
        raise BadDataset(str(error)) from None
    for index in range(recipe.count):
        name = f"{index:06d}"
        yield Sample(name, subset, name, False, partial(draw_face, recipe, index), drawn=True)
