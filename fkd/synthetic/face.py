"""Drawing one face, from a recipe and its number."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.preprocess import Image
from fkd.synthetic.anatomy import Anatomy, load_anatomy
from fkd.synthetic.camera import draw_view
from fkd.synthetic.canvas import Canvas
from fkd.synthetic.damage import damaged
from fkd.synthetic.glasses import draw_glasses
from fkd.synthetic.hair import draw_style
from fkd.synthetic.head import Posed, draw_head, draw_lashes, pose_person
from fkd.synthetic.keypoints import points_in_picture, points_on_head
from fkd.synthetic.light import draw_lighting
from fkd.synthetic.person import draw_person
from fkd.synthetic.raster import NOTHING
from fkd.synthetic.recipe import Recipe
from fkd.synthetic.scene import cover, draw_background
from fkd.synthetic.shells import draw_beard, draw_curtain, draw_hair, draw_hat
from fkd.synthetic.skin import Paint, paint_skin


def draw_face(recipe: Recipe, index: int) -> tuple[Image, NDArray[np.float32]]:
    """Face number `index`: uint8 (size, size) grey, and its points float32 (68, 2), pixels with
    centres at integers. It depends on the recipe and the index alone.
    """
    rng = np.random.default_rng([recipe.seed, index])
    anatomy = load_anatomy()
    person = draw_person(rng, recipe.identity, recipe.expression)
    paint = paint_skin(
        rng, recipe.skin, recipe.brows, recipe.hair, anatomy, person.male, person.child
    )
    points = points_on_head(anatomy, person.vertices, paint.brows)
    side = recipe.size * recipe.supersample
    view = draw_view(rng, recipe.pose, points, side)
    posed = pose_person(person, view, anatomy)
    placed = points_in_picture(anatomy, view, points, posed.turned)
    fine, skin_brightness = _draw_person(rng, recipe, anatomy, posed, paint, points, side)
    size = (recipe.size, recipe.size)
    picture = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)
    if rng.random() < recipe.scene.occluder_share:
        cover(rng, recipe.scene, picture, skin_brightness)
    grey = damaged(rng, recipe.damage, picture)
    return grey, (placed / recipe.supersample - 0.5).astype(np.float32)


def _draw_person(
    rng: np.random.Generator,
    recipe: Recipe,
    anatomy: Anatomy,
    posed: Posed,
    paint: Paint,
    points: NDArray[np.float32],
    side: int,
) -> tuple[NDArray[np.float32], float]:
    """The undamaged picture, float32 (side, side), and how bright the skin is in it."""
    view = posed.view
    lighting = draw_lighting(rng, recipe.light, posed.turned, view.centre, anatomy.solid)
    style = draw_style(rng, recipe.hair, posed.person.male)
    dark, bright = recipe.skin.albedo
    tone = float(np.exp(rng.uniform(np.log(dark), np.log(bright))))
    hits, light, bare = draw_head(
        rng, recipe.skin, tone, posed, paint, lighting, style, anatomy, side
    )
    canvas = _exposed(rng, recipe, light[bare], side)
    canvas.lay(hits, light, np.ones(len(light), bool))
    if style.long:
        draw_curtain(rng, canvas, posed, anatomy, style, lighting)
    if style.worn:
        draw_hair(rng, canvas, posed, anatomy, style, lighting)
    if paint.beard.max() > 0.3 and rng.random() < recipe.hair.beard_volume_share:
        draw_beard(rng, canvas, posed, anatomy, style, paint, lighting)
    if style.hat:
        draw_hat(rng, canvas, posed, anatomy, recipe.hair, lighting)
    if rng.random() < recipe.skin.lashes_share:
        draw_lashes(rng, canvas, posed, anatomy)
    if rng.random() < recipe.glasses.share:
        draw_glasses(rng, canvas, view, recipe.glasses, points)
    skin_brightness = float(np.median(canvas.tone(light[bare]))) if bare.any() else 0.5
    return canvas.colour, skin_brightness


def _exposed(
    rng: np.random.Generator, recipe: Recipe, skin_light: NDArray[np.float32], side: int
) -> Canvas:
    """A background, and the camera's exposure of the brighter part of the skin."""
    lit = float(np.percentile(skin_light, rng.uniform(75, 97))) if len(skin_light) else 1.0
    return Canvas(
        colour=draw_background(rng, recipe.scene, side),
        depth=np.full((side, side), NOTHING, np.float32),
        scale=float(rng.uniform(*recipe.light.exposure) / max(lit, 0.02)),
        gamma=float(rng.uniform(*recipe.light.gamma)),
    )
