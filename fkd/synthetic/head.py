"""Drawing the bare head: skin, eyes, lips, teeth, shirt and lashes."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.camera import View, neck_follow
from fkd.synthetic.canvas import Canvas, Hits, hit, sample, unit
from fkd.synthetic.hair import HairStyle
from fkd.synthetic.light import Lighting
from fkd.synthetic.mesh import EYE, SKIN, TEETH, TONGUE, load_mesh
from fkd.synthetic.noise import noise
from fkd.synthetic.person import Person
from fkd.synthetic.raster import rasterise, vertex_normals
from fkd.synthetic.recipe import Skin
from fkd.synthetic.skin import Paint

# Columns of the vertex values that every piece of the head is drawn with.
NORMAL, PLACE, TEXTURE, MEAN = slice(0, 3), slice(3, 6), slice(6, 8), slice(8, 11)
OCCLUSION, LIPS, INNER_MOUTH, AZIMUTH, EARS = range(11, 16)


@dataclass(frozen=True)
class Posed:
    """A person before the camera: turned vertices (V, 3), their normals and values (V, 16)."""

    person: Person
    view: View
    turned: NDArray[np.float32]
    normals: NDArray[np.float32]
    values: NDArray[np.float32]


def pose_person(person: Person, view: View, anatomy: Anatomy) -> Posed:
    """The head turned, with what the drawing needs at each vertex."""
    mesh = load_mesh()
    turned = view.turned(person.vertices, neck_follow(anatomy))
    normals = vertex_normals(turned, mesh.triangles)
    scalars = (anatomy.occlusion, mesh.lips, mesh.inner_mouth, anatomy.azimuth, mesh.ears)
    parts = [normals, turned, anatomy.texture, anatomy.mean, np.stack(scalars, axis=1)]
    return Posed(person, view, turned, normals, np.concatenate(parts, axis=1).astype(np.float32))


def draw_head(
    rng: Generator,
    skin: Skin,
    tone: float,
    posed: Posed,
    paint: Paint,
    lighting: Lighting,
    style: HairStyle,
    anatomy: Anatomy,
    side: int,
) -> tuple[Hits, NDArray[np.float32], NDArray[np.bool_]]:
    """The head's pixels, the light they send, and which are bare skin (for the exposure).

    tone: the skin's albedo, 0..1.
    """
    hits = hit(posed.view.project(posed.turned), anatomy.solid, posed.values, side, False)
    at = hits.values
    material = anatomy.solid_material[hits.triangles]
    normals = unit(at[:, NORMAL])
    shown = np.zeros((side, side), bool)
    shown[hits.pixels] = True
    diffuse, highlights = lighting.shade(normals, lighting.lit(at[:, PLACE], shown))
    albedo, on_scalp, clothed = _albedo(rng, skin, tone, at, material, paint, style, side)
    open_sky = 0.25 + 0.75 * np.clip(at[:, OCCLUSION], 0, 1) ** np.float32(rng.uniform(0.6, 1.6))
    open_sky = np.where(material == EYE, rng.uniform(0.55, 0.9), open_sky)
    open_sky = np.where(material >= TEETH, rng.uniform(0.3, 0.8), open_sky)
    highlights = highlights * lighting.shine * tone**0.3 * 0.35 * ~clothed
    eyes = material == EYE
    if eyes.any():
        albedo[eyes], highlights[eyes] = _eyes(rng, tone, posed, lighting, at[eyes, PLACE])
    light = (albedo * diffuse * open_sky + highlights).astype(np.float32)
    return hits, light, (material == SKIN) & ~clothed & ~on_scalp


def draw_lashes(rng: Generator, canvas: Canvas, posed: Posed, anatomy: Anatomy) -> None:
    """Darken what lies behind the lashes, in place."""
    screen = posed.view.project(posed.turned)
    ids, _, depth = rasterise(screen, anatomy.lashes, canvas.side, canvas.side, False)
    shown = (ids >= 0) & (depth > canvas.depth - 0.02)
    shown &= rng.random((canvas.side, canvas.side), np.float32) < 0.7
    canvas.colour[shown] *= 1 - np.float32(rng.uniform(0.1, 0.75))


def _albedo(
    rng: Generator,
    skin: Skin,
    tone: float,
    at: NDArray[np.float32],
    material: NDArray[np.int8],
    paint: Paint,
    style: HairStyle,
    side: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Albedo of the pixels; which are scalp under hair, and which are shirt."""
    height = at[:, MEAN][:, 1]
    is_skin = material == SKIN
    albedo = tone * sample(paint.albedo, at[:, TEXTURE])
    dark = rng.random() < skin.dark_lips_share
    lips = rng.uniform(0.2, 0.5) if dark else rng.uniform(*skin.lips)
    albedo *= 1 - np.clip(at[:, LIPS], 0, 1) * np.float32(1 - lips)
    stubble = sample(paint.beard, at[:, TEXTURE]) * np.float32(rng.uniform(0.2, 1.0))
    stubble *= height > 6.22
    beard = min(style.albedo * rng.uniform(0.6, 1.3), 0.8)
    albedo = albedo * (1 - stubble) + stubble * np.float32(beard)
    albedo = np.where(at[:, INNER_MOUTH] > 0.29, 0.06 * (0.4 + tone), albedo)
    collar = 5.6 + rng.uniform(-0.4, 0.25) + 0.12 * np.cos(2 * at[:, AZIMUTH])
    clothed = is_skin & (height < collar)
    albedo[clothed] = _cloth(rng, at[clothed], side)
    on_scalp = is_skin & style.grows(at[:, AZIMUTH], height) & (at[:, EARS] < 0.3)
    if style.worn:
        albedo[on_scalp] = style.albedo * 0.8
    albedo[material == TEETH] = rng.uniform(0.45, 0.95)
    albedo[material == TONGUE] = 0.3 * rng.uniform(0.6, 1.5)
    return albedo.astype(np.float32), on_scalp, clothed


def _cloth(rng: Generator, at: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    pattern = noise(rng, 64, 64, 3, 0.8, 8)
    x, y = ((at[:, MEAN][:, :2] * 20).astype(int) % 64).T
    cloth = np.clip(rng.random() * (1 + rng.uniform(0, 0.6) * pattern[y, x]), 0.02, 1)
    if rng.random() < 0.3:
        slant, pitch = rng.uniform(-1, 1), rng.uniform(20, 80)
        stripes = np.sin((at[:, MEAN][:, 1] * 0.54 + at[:, MEAN][:, 0] * slant) * pitch) > 0
        cloth = cloth * (1 - 0.6 * stripes)
    return np.asarray(cloth, np.float32)


def _eyes(
    rng: Generator, tone: float, posed: Posed, lighting: Lighting, places: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Albedo and highlights of the eyeballs' pixels at turned places (P, 3)."""
    mesh = load_mesh()
    iris = rng.uniform(0.052, 0.068)
    pupil = iris * rng.uniform(0.25, 0.6)
    colour, white = rng.uniform(0.02, 0.4), rng.uniform(0.4, 0.85)
    albedo = np.zeros(len(places), np.float32)
    glints = np.zeros(len(places), np.float32)
    left = (places - posed.view.turned(np.zeros(3, np.float32))) @ posed.view.turn[:, 0] > 0
    for ball, mine in ((mesh.left_eye, left), (mesh.right_eye, ~left)):
        rest = posed.person.vertices[ball]
        low, high = rest.min(axis=0), rest.max(axis=0)
        radius = float((high - low).max()) / 2
        gaze = np.array([posed.person.gaze[0] + rng.normal(0, 0.02), posed.person.gaze[1], 1.0])
        gaze = posed.view.turn @ (gaze / np.linalg.norm(gaze)).astype(np.float32)
        outward = unit(places[mine] - posed.view.turned((low + high) / 2))
        away = np.arccos(np.clip(outward @ gaze, -1, 1)) * radius
        ring = colour * (0.7 + 0.6 * away / iris) * np.where(away > iris * 0.88, 0.5, 1)
        ball_white = white * (1 - 0.25 * np.clip((away - iris) / 0.1, 0, 1))
        shade = np.where(away < pupil, 0.01, np.where(away < iris, ring, ball_white))
        albedo[mine] = shade * tone**0.25
        for lamp in lighting.lamps:
            half = lamp.toward + np.array([0, 0, 1], np.float32)
            half /= np.linalg.norm(half)
            glints[mine] += lamp.strength * (outward @ half > rng.uniform(0.985, 0.997))
    return albedo, glints
