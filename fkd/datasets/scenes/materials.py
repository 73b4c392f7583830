"""What scenes are composed of: rendered heads, and backgrounds without people."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from fkd.datasets.parallel import in_parallel
from fkd.datasets.readers.synthetic import RECIPE
from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.store import Picture
from fkd.geometry import Image
from fkd.geometry.crop import to_grey
from fkd.io.config import Section
from fkd.io.folders import photos_below
from fkd.io.images import read_image
from fkd.synthetic.cutout import render_cutout
from fkd.synthetic.recipe import Recipe
from fkd.synthetic.recipe_types import Probability, Range, Std
from fkd.synthetic.scene import render_background

Degrees = Annotated[float, Field(ge=-180, le=180)]
# As many as there are numbers between the parts.
HeadCount = Annotated[int, Field(ge=1, le=1_000_000)]

# Pictures of a folder of backgrounds that no training sees.
HELD_OUT = "held_out"
# Heads of different parts have numbers this far apart, so that none is in two.
PARTS = {"train": 0, "val": 1_000_000, "test": 2_000_000}
BACKGROUND_SIDE = 384
LARGEST_BACKGROUND = 1024


class HeadPose(Section):
    """How heads are turned that show their faces: the recipe's keys of the same names."""

    uniform_yaw_prob: Probability = Field(description="Of a yaw sampled uniformly.")
    uniform_yaw: Range[Degrees] = Field(description="Range of that yaw, degrees.")
    pitch_std: Std = Field(description="Standard deviation of the pitch, degrees.")
    pitch_limit: Degrees = Field(ge=0, description="Largest pitch up or down, degrees.")
    face_size: Range[Annotated[float, Field(gt=0, le=1)]] = Field(
        description="Longer side of the 68 points' bounding box over the picture's side."
    )


class HeadCounts(Section):
    """How many heads are rendered for each part."""

    train: HeadCount = Field(description="Heads that the detector learns from.")
    val: HeadCount = Field(description="Heads that its training and its threshold are scored on.")
    test: HeadCount = Field(description="Heads that the finished detector is scored on.")


class MaterialParams(Section):
    """What scenes are composed of."""

    heads: HeadCounts = Field(description="How many heads are rendered for each part.")
    head_size: int = Field(ge=32, le=1024, description="Side of their square pictures, pixels.")
    backs_prob: Probability = Field(description="Of a head that is seen from behind.")
    pose: HeadPose = Field(description="How the other heads are turned.")
    backgrounds: str = Field(
        description="Folder of pictures without people, of which those in `held_out` are for val "
        "and test; `data/synthetic`, with its recipe, has none."
    )
    generated_backgrounds: int = Field(
        ge=1, description="How many backgrounds are generated, for each part."
    )
    seed: int = Field(ge=0, description="Of heads and generated backgrounds.")
    num_workers: int = Field(ge=0, description="Processes that render; 0 is one for each core.")


def render_heads(recipe: Recipe, params: MaterialParams, part: str) -> Iterator[Picture]:
    """The heads of a part, in their order."""
    first = PARTS[part]
    numbers = range(first, first + getattr(params.heads, part))
    render = partial(render_head, recipe, params)
    yield from in_parallel(render, numbers, params.num_workers)


def render_head(recipe: Recipe, params: MaterialParams, number: int) -> Picture:
    """A head; it depends on the number, the recipe and the parameters alone."""
    # Apart from the stream [seed, number] of the head itself, which decides what it is like.
    rng = np.random.default_rng([params.seed, number, 1])
    pose = params.pose.model_dump()
    turned_away = rng.random() < params.backs_prob
    if turned_away:
        pose |= {"uniform_yaw_prob": 1.0, "uniform_yaw": (115.0, 245.0)}
    changed = {"seed": params.seed, "size": params.head_size}
    cutout = render_cutout(
        recipe.model_copy(update={**changed, "pose": recipe.pose.model_copy(update=pose)}), number
    )
    points = None if turned_away else cutout.points
    return Picture(cutout.pixels, cutout.alpha, points, cutout.yaw)


def backgrounds(recipe: Recipe, params: MaterialParams, part: str) -> Iterator[Picture]:
    """The backgrounds of a part: those of the folder, then generated ones. Raises BadDataset for a
    folder without pictures, ImageError for one that cannot be read."""
    folder = Path(params.backgrounds)
    if not (folder / RECIPE).exists():
        found = _pictures_of_part(folder, part)
        yield from (Picture(_shrunk(to_grey(read_image(path)))) for path in found)
    for i in range(params.generated_backgrounds):
        rng = np.random.default_rng([params.seed, PARTS[part], i])
        bright = render_background(rng, recipe.scene, BACKGROUND_SIDE)
        yield Picture(np.asarray(np.round(np.clip(bright, 0, 1) * 255), np.uint8))


def _pictures_of_part(folder: Path, part: str) -> list[Path]:
    photos, _ = photos_below(folder)
    held_out = folder / HELD_OUT
    found = [photo for photo in photos if (held_out in photo.parents) == (part != "train")]
    if part == "train" and not found:
        raise BadDataset(f"{folder}: there is no picture in it")
    return found


def _shrunk(grey: Image) -> Image:
    zoom = LARGEST_BACKGROUND / max(grey.shape)
    if zoom >= 1:
        return grey
    height, width = (max(1, round(length * zoom)) for length in grey.shape)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))
