"""A tiny world: a few small drawn faces, one real photo. Nothing is downloaded."""

import dataclasses
from pathlib import Path

import cv2
import pytest

from fkd.datasets.store import Face
from fkd.params import Params, load_params
from fkd.prepare import Rejected, prepare_face
from fkd.preprocess import Image
from fkd.synthetic.recipe import Recipe, load_recipe

PROJECT = Path(__file__).resolve().parents[1]
ASTRONAUT = PROJECT / "docs" / "astronaut.png"
SHARED = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def params() -> Params:
    """The project's own parameters."""
    return load_params(PROJECT / "params.yaml")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The project's recipe, drawn small."""
    full = load_recipe(PROJECT / "data" / "synthetic" / "recipe.yaml")
    return dataclasses.replace(full, count=20, size=96, supersample=1)


@pytest.fixture(scope="session")
def faces(recipe: Recipe, params: Params) -> list[Face]:
    """Twenty prepared drawn faces."""
    from fkd.datasets.sample import Sample
    from fkd.synthetic.face import draw_face

    prepared = []
    for index in range(recipe.count):
        name = f"{index:03d}"
        sample = Sample(name, "drawn", name, False, lambda i=index: draw_face(recipe, i))
        face = prepare_face(sample, params.prepare)
        assert not isinstance(face, Rejected), face
        prepared.append(face)
    return prepared


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """A real photo with one face, uint8 (512, 512, 3) BGR."""
    return cv2.imread(str(ASTRONAUT))


@pytest.fixture(scope="session")
def real_300w() -> Path:
    """300-W, where it is linked beside the project."""
    folder = SHARED / "300w"
    if not folder.is_dir():
        pytest.skip("needs 300-W, which is licensed for research only and not in the repository")
    return folder
