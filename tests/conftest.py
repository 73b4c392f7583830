"""A tiny world: a few small synthetic faces, one real photo. Nothing is downloaded."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected, prepare_face
from fkd.datasets.store import LabelledFace
from fkd.evaluation.calibration import CalibrateParams
from fkd.geometry import Image
from fkd.io.config import load_section
from fkd.synthetic.recipe import Recipe, load_recipe

if TYPE_CHECKING:  # it imports torch, which takes seconds and which most tests do without
    from fkd.training.params import TrainParams

PROJECT = Path(__file__).resolve().parents[1]
ASTRONAUT = PROJECT / "docs" / "astronaut.png"
SHARED = PROJECT.parent / "shared" / "data"


@dataclass(frozen=True)
class Params:
    """The project's own parameters, as far as tests use them."""

    prepare: PrepareParams
    train: TrainParams
    calibrate: CalibrateParams


@pytest.fixture(scope="session")
def params() -> Params:
    from fkd.training.params import TrainParams

    file = PROJECT / "params.yaml"
    return Params(
        load_section(PrepareParams, file, "prepare"),
        load_section(TrainParams, file, "train"),
        load_section(CalibrateParams, file, "calibrate"),
    )


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The project's recipe, rendered small."""
    full = load_recipe(PROJECT / "data" / "synthetic" / "recipe.yaml")
    pose = full.pose.model_copy(update={"uniform_yaw": (-50.0, 50.0)})
    return full.model_copy(update={"count": 20, "size": 96, "supersample": 1, "pose": pose})


@pytest.fixture(scope="session")
def faces(recipe: Recipe, params: Params) -> list[LabelledFace]:
    """Twenty prepared synthetic faces."""
    from fkd.datasets.sample import Sample
    from fkd.synthetic.face import render_face

    prepared = []
    for index in range(recipe.count):
        name = f"{index:03d}"
        sample = Sample(name, "synthetic", name, False, lambda i=index: render_face(recipe, i))
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


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """`with small_files(n):` the system refuses to write any file beyond n bytes, as if the disk
    were full."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
