"""Rendering the head without volume of hair: skin, lips, teeth, clothes and lashes."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.canvas import Canvas, Fragments, rasterize_mesh
from fkd.synthetic.eyes import shade_eyes
from fkd.synthetic.mesh import EYE, SKIN, TEETH, TONGUE
from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.raster import rasterize
from fkd.synthetic.recipe import Skin
from fkd.synthetic.shot import (
    AZIMUTH,
    EARS,
    INNER_MOUTH,
    LIPS,
    MEAN_HEIGHT,
    MEAN_POSITION,
    NORMAL,
    OCCLUSION,
    POSITION,
    UV,
    PosedHead,
    Shot,
)
from fkd.synthetic.texture import texture_lookup
from fkd.synthetic.vectors import normalize

# Heights on the mean head, decimetres: of a collar, and below the chin, where no beard grows.
COLLAR, NECK = 5.6, 6.22


def render_head(
    rng: Generator, skin: Skin, shot: Shot
) -> tuple[Fragments, NDArray[np.float32], NDArray[np.bool_]]:
    """The head's fragments, their radiance (P,), and which are bare skin (P,), for the exposure."""
    head, lighting = shot.head, shot.lighting
    screen = head.view.project(head.vertices)
    fragments = rasterize_mesh(screen, head.anatomy.solid, head.attributes, shot.side, False)
    at = fragments.attributes
    material = head.anatomy.solid_material[fragments.triangles]
    normals = normalize(at[:, NORMAL])
    covered = np.zeros((shot.side, shot.side), bool)
    covered[fragments.pixels] = True
    diffuse, specular = lighting.shade(normals, lighting.visibility(at[:, POSITION], covered))
    albedo, on_scalp, clothed = _albedo(rng, skin, shot, at, material)
    occlusion = 0.25 + 0.75 * np.clip(at[:, OCCLUSION], 0, 1) ** np.float32(rng.uniform(0.6, 1.6))
    occlusion = np.where(material == EYE, rng.uniform(0.55, 0.9), occlusion)
    occlusion = np.where(material >= TEETH, rng.uniform(0.3, 0.8), occlusion)
    specular = specular * lighting.specular * shot.appearance.albedo**0.3 * 0.35 * ~clothed
    eyes = material == EYE
    if eyes.any():
        albedo[eyes], specular[eyes] = shade_eyes(rng, shot, at[eyes, POSITION])
    radiance = (albedo * diffuse * occlusion + specular).astype(np.float32)
    return fragments, radiance, (material == SKIN) & ~clothed & ~on_scalp


def render_lashes(rng: Generator, head: PosedHead, canvas: Canvas) -> None:
    """Darken what lies behind the lashes, in place."""
    screen = head.view.project(head.vertices)
    ids, _, depth = rasterize(screen, head.anatomy.lashes, canvas.side, canvas.side, False)
    shown = (ids >= 0) & (depth > canvas.depth - 0.02)
    shown &= rng.random((canvas.side, canvas.side), np.float32) < 0.7
    canvas.pixels[shown] *= 1 - np.float32(rng.uniform(0.1, 0.75))


def _albedo(
    rng: Generator, skin: Skin, shot: Shot, at: NDArray[np.float32], material: NDArray[np.int8]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Albedo of fragments with attributes (P, K) and material (P,); which of them are scalp under
    hair, and which are clothes. All are (P,)."""
    tone, texture, hair = shot.appearance.albedo, shot.appearance.texture, shot.appearance.hair
    height = at[:, MEAN_HEIGHT]
    is_skin = material == SKIN
    albedo = tone * texture_lookup(texture.albedo, at[:, UV])
    dark = rng.random() < skin.dark_lips_prob
    lips = rng.uniform(0.2, 0.5) if dark else rng.uniform(*skin.lips)
    albedo *= 1 - np.clip(at[:, LIPS], 0, 1) * np.float32(1 - lips)
    stubble = texture_lookup(texture.beard, at[:, UV]) * np.float32(rng.uniform(0.2, 1.0))
    stubble *= height > NECK
    beard = min(hair.albedo * rng.uniform(0.6, 1.3), 0.8)
    albedo = albedo * (1 - stubble) + stubble * np.float32(beard)
    albedo = np.where(at[:, INNER_MOUTH] > 0.29, 0.06 * (0.4 + tone), albedo)
    collar = COLLAR + rng.uniform(-0.4, 0.25) + 0.12 * np.cos(2 * at[:, AZIMUTH])
    clothed = is_skin & (height < collar)
    albedo[clothed] = _cloth(rng, at[clothed, MEAN_POSITION])
    on_scalp = is_skin & hair.grows(at[:, AZIMUTH], height) & (at[:, EARS] < 0.3)
    if hair.has_hair:
        albedo[on_scalp] = hair.albedo * 0.8
    albedo[material == TEETH] = rng.uniform(0.45, 0.95)
    albedo[material == TONGUE] = 0.3 * rng.uniform(0.6, 1.5)
    return albedo.astype(np.float32), on_scalp, clothed


def _cloth(rng: Generator, mean_positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Albedo (P,) of random cloth at positions (P, 3) of the mean head, perhaps striped."""
    pattern = fractal_noise(rng, (64, 64), octaves=3, persistence=0.8, cells=8)
    x, y = ((mean_positions[:, :2] * 20).astype(int) % 64).T
    cloth = np.clip(rng.random() * (1 + rng.uniform(0, 0.6) * pattern[y, x]), 0.02, 1)
    if rng.random() < 0.3:
        slant, pitch = rng.uniform(-1, 1), rng.uniform(20, 80)
        phase = (mean_positions[:, 1] * 0.54 + mean_positions[:, 0] * slant) * pitch
        cloth = cloth * (1 - 0.6 * (np.sin(phase) > 0))
    return np.asarray(cloth, np.float32)
