"""Rendering one face, from a recipe and its number."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.geometry import Image, Points
from fkd.ground_truth import GroundTruth
from fkd.synthetic.anatomy import load_anatomy
from fkd.synthetic.camera import sample_view
from fkd.synthetic.canvas import Canvas
from fkd.synthetic.degradation import degrade
from fkd.synthetic.glasses import render_glasses
from fkd.synthetic.hair import sample_hair_style
from fkd.synthetic.hair_geometry import render_beard, render_hair, render_long_hair
from fkd.synthetic.hat import render_hat
from fkd.synthetic.head import render_head, render_lashes
from fkd.synthetic.keypoints import place_points, points_on_head
from fkd.synthetic.light import sample_lighting
from fkd.synthetic.person import sample_person
from fkd.synthetic.raster import EMPTY_DEPTH
from fkd.synthetic.recipe import Recipe
from fkd.synthetic.scene import render_background, render_occluder
from fkd.synthetic.shot import Appearance, PosedHead, Shot, pose_head
from fkd.synthetic.skin import SkinTexture, sample_skin_texture
from fkd.synthetic.truth import ground_truth, hidden_behind


class RenderedFace(NamedTuple):
    """grey: uint8 (size, size). points: float32 (68, 2), pixels, centres at integers."""

    grey: Image
    points: Points
    truth: GroundTruth


@dataclass(frozen=True)
class RenderedPerson:
    """A person before a background, nothing in front. canvas: supersampled. points: float32
    (68, 2), pixels of the picture, centres at integers. skin_brightness: on the canvas, 0..1."""

    canvas: Canvas
    points: Points
    skin_brightness: float
    truth: GroundTruth


def render_face(recipe: Recipe, index: int) -> RenderedFace:
    """Face number `index`. It depends on the recipe and the index alone."""
    rng = np.random.default_rng([recipe.seed, index])
    person = render_person(rng, recipe)
    size = (recipe.size, recipe.size)
    shrunk = cv2.resize(person.canvas.pixels, size, interpolation=cv2.INTER_AREA)
    picture, truth = np.asarray(shrunk, np.float32), person.truth
    occluded = rng.random() < recipe.scene.occluder_prob
    if occluded:
        mask = render_occluder(rng, recipe.scene, picture, person.skin_brightness)
        truth = hidden_behind(truth, person.points, mask)
    truth.attributes["occluder"] = float(occluded)
    return RenderedFace(degrade(rng, recipe.degradation, picture), person.points, truth)


def render_person(rng: Generator, recipe: Recipe) -> RenderedPerson:
    """A random person before a random background."""
    anatomy = load_anatomy()
    person = sample_person(rng, recipe.identity, recipe.expression)
    texture = sample_skin_texture(rng, recipe, anatomy, person)
    points = points_on_head(anatomy, person.vertices, texture.brows)
    side = recipe.size * recipe.supersample
    head = pose_head(person, sample_view(rng, recipe.pose, points, side), anatomy)
    placed = place_points(head, points)
    shot = _sample_shot(rng, recipe, head, texture)
    canvas, attributes = _render_shot(rng, recipe, shot, points)
    truth = ground_truth(shot, placed, canvas, attributes)
    return RenderedPerson(
        canvas,
        (placed.placed[:, :2] / recipe.supersample - 0.5).astype(np.float32),
        attributes["skin_brightness"],
        truth.enlarged(1 / recipe.supersample),
    )


def _sample_shot(rng: Generator, recipe: Recipe, head: PosedHead, texture: SkinTexture) -> Shot:
    """Random light, hair and skin colour."""
    centre, solid = head.view.look_at, head.anatomy.solid
    lighting = sample_lighting(rng, recipe.light, head.vertices, centre, solid)
    hair = sample_hair_style(rng, recipe.hair, head.person.kind.male)
    dark, bright = recipe.skin.albedo
    albedo = float(np.exp(rng.uniform(np.log(dark), np.log(bright))))
    side = recipe.size * recipe.supersample
    return Shot(head, Appearance(albedo, texture, hair), lighting, side)


def _render_shot(
    rng: Generator, recipe: Recipe, shot: Shot, points: NDArray[np.float32]
) -> tuple[Canvas, dict[str, float]]:
    """The picture before its degradation, and the skin's brightness and the glasses in it.

    points: (68, 3) on the unposed head, for glasses.
    """
    hair, beard = shot.appearance.hair, shot.appearance.texture.beard
    fragments, radiance, bare = render_head(rng, recipe.skin, shot)
    canvas = _exposed_background(rng, recipe, radiance[bare], shot.side)
    canvas.composite(fragments, radiance, np.ones(len(radiance), bool))
    if hair.long:
        render_long_hair(rng, shot, canvas)
    if hair.has_hair:
        render_hair(rng, shot, canvas)
    if beard.max() > 0.3 and rng.random() < recipe.hair.beard_volume_prob:
        render_beard(rng, shot, canvas)
    if hair.hat:
        render_hat(rng, recipe.hair.brim_prob, shot, canvas)
    if rng.random() < recipe.skin.lashes_prob:
        render_lashes(rng, shot.head, canvas)
    glasses = rng.random() < recipe.glasses.prob
    dark = glasses and render_glasses(rng, recipe.glasses, shot.head.view, points, canvas)
    skin_brightness = float(np.median(canvas.tone_map(radiance[bare]))) if bare.any() else 0.5
    return canvas, {
        "skin_brightness": skin_brightness,
        "glasses": float(glasses),
        "sunglasses": float(dark),
    }


def _exposed_background(
    rng: Generator, recipe: Recipe, skin_radiance: NDArray[np.float32], side: int
) -> Canvas:
    """A background, and the camera's exposure of the brighter part of the skin."""
    lit = float(np.percentile(skin_radiance, rng.uniform(75, 97))) if len(skin_radiance) else 1.0
    return Canvas(
        pixels=render_background(rng, recipe.scene, side),
        depth=np.full((side, side), EMPTY_DEPTH, np.float32),
        cover=np.zeros((side, side), np.float32),
        exposure=float(rng.uniform(*recipe.light.exposure) / max(lit, 0.02)),
        gamma=float(rng.uniform(*recipe.light.gamma)),
    )
