"""Hair, beards and hats with volume: parts of the head's surface lifted off it."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import TEXTURE_SIZE, Anatomy
from fkd.synthetic.canvas import Canvas, Hits, hit, sample, sample_strands, unit
from fkd.synthetic.hair import STRANDS_ACROSS, STRANDS_DOWN, HairStyle
from fkd.synthetic.head import AZIMUTH, EARS, INNER_MOUTH, LIPS, MEAN, NORMAL, TEXTURE, Posed
from fkd.synthetic.light import Lighting
from fkd.synthetic.noise import noise
from fkd.synthetic.raster import vertex_normals
from fkd.synthetic.recipe import Hair
from fkd.synthetic.skin import Paint

CROWN = 8.6  # above every head
CURTAIN_TOP = 8.05
BRIM_STEPS = 16


def _lifted(posed: Posed, anatomy: Anatomy, height: NDArray, canvas: Canvas) -> Hits:
    """The scalp's and face's skin moved out by a height (V,) along its normals."""
    lifted = posed.turned + posed.normals * height[:, None].astype(np.float32)
    screen = posed.view.project(lifted)
    return hit(screen, anatomy.scalp, posed.values, canvas.side, True)


def _bumps(rng: Generator, anatomy: Anatomy) -> NDArray[np.float32]:
    """Noise about 1 at the vertices, for uneven thickness."""
    pattern = noise(rng, 64, 64, 4, 0.6, 4)
    x = np.clip((anatomy.azimuth / np.pi * 0.5 + 0.5) * 63, 0, 63).astype(int)
    y = np.clip((CROWN - anatomy.mean[:, 1]) / 2.4 * 63, 0, 63).astype(int)
    return 1 + np.float32(0.8) * pattern[y, x]


def _hair_light(
    rng: Generator, albedo: float, strands: NDArray, normals: NDArray, lighting: Lighting
) -> NDArray[np.float32]:
    """Light from hair: strands (P,) darken and brighten it and break its highlights."""
    diffuse, highlights = lighting.shade(normals)
    shine = 0.12 * rng.random() * highlights * np.clip(0.5 + strands, 0, 1.5)
    return np.asarray(albedo * np.clip(1 + 1.1 * strands, 0.15, 2.5) * diffuse * 0.85 + shine)


def draw_hair(
    rng: Generator,
    canvas: Canvas,
    posed: Posed,
    anatomy: Anatomy,
    style: HairStyle,
    lighting: Lighting,
) -> None:
    """Hair over the scalp, in place."""
    off_neck = np.clip((anatomy.mean[:, 1] - 6.3) / 0.4, 0, 1)
    height = np.clip(style.thickness * _bumps(rng, anatomy), 0.015, 0.6) * off_neck
    hits = _lifted(posed, anatomy, height, canvas)
    azimuth, tall = hits.values[:, AZIMUTH], hits.values[:, MEAN][:, 1]
    down = (CROWN - tall) / 2.4 * (STRANDS_DOWN - 1)
    across = (azimuth / np.pi * 0.5 + 0.5) * (STRANDS_ACROSS - 1)
    across += rng.uniform(-0.25, 0.25) * down
    across += rng.uniform(0, 10) * np.sin(down * rng.uniform(0.03, 0.15) + across * 0.05)
    strands = sample_strands(style.strands, across, down)
    light = _hair_light(rng, style.albedo, strands, unit(hits.values[:, NORMAL]), lighting)
    canvas.lay(hits, light, style.grows(azimuth, tall) & (hits.values[:, EARS] < 0.35))


def draw_beard(
    rng: Generator,
    canvas: Canvas,
    posed: Posed,
    anatomy: Anatomy,
    style: HairStyle,
    paint: Paint,
    lighting: Lighting,
) -> None:
    """A beard with volume over its painted one, in place."""
    grown = sample(paint.beard, anatomy.texture) * np.clip(1.3 - 3 * posed.values[:, LIPS], 0, 1)
    height = rng.uniform(0.01, 0.16) * np.clip(1.3 * grown, 0, 1) * _bumps(rng, anatomy)
    hits = _lifted(posed, anatomy, height, canvas)
    places = hits.values[:, TEXTURE]
    curl = np.asarray(places * rng.uniform(0.5, 1.25), np.float32)
    strands = sample_strands(style.strands, curl[:, 0], curl[:, 1])
    dense = sample(paint.beard, places) * (1 + 0.7 * strands)
    shown = (dense > rng.uniform(0.15, 0.5)) & (hits.values[:, MEAN][:, 1] > 6.22)
    shown &= (hits.values[:, LIPS] < 0.35) & (hits.values[:, INNER_MOUTH] < 0.3)
    albedo = min(style.albedo * rng.uniform(0.6, 1.3), 0.8)
    light = _hair_light(rng, albedo, strands, unit(hits.values[:, NORMAL]), lighting)
    canvas.lay(hits, light, shown, slack=0.01)


def draw_curtain(
    rng: Generator,
    canvas: Canvas,
    posed: Posed,
    anatomy: Anatomy,
    style: HairStyle,
    lighting: Lighting,
) -> None:
    """Long hair hanging at the sides and the back: a skirt around the head, in place."""
    steps, rows = 72, 24
    opening = rng.uniform(0.6, 1.35)
    around = np.linspace(opening, 2 * np.pi - opening, steps)
    heights = np.linspace(CURTAIN_TOP, rng.uniform(5.0, 6.6), rows)
    azimuth, height = (g.astype(np.float32) for g in np.meshgrid(around, heights))
    widen = 1 + rng.uniform(-0.1, 0.35) * (CURTAIN_TOP - height) / 3
    waves = np.sin(azimuth * rng.integers(3, 14) + rng.uniform(0, 6))
    widen += 0.10 * rng.random() * waves * np.clip(8 - height, 0, 1)
    widen *= np.sqrt(np.clip((8.3 - height) / 0.5, 0, 1))
    vertices = posed.person.vertices
    crown = vertices[anatomy.mean[:, 1] > 7.5, 0]
    half_width = (crown.max() - crown.min()) / 2 + 0.6 * rng.uniform(-0.04, 0.23)
    x = np.sin(azimuth) * half_width * widen
    z = 0.2 + np.cos(azimuth) * rng.uniform(0.75, 1.1) * widen
    places = np.stack([x, height, z], axis=-1).reshape(-1, 3).astype(np.float32)
    follow = np.clip((places[:, 1:2] - 5.4) / 1.2, 0, 1)
    turned = posed.view.turned(places, follow)
    triangles = _grid(rows, steps)
    values = [vertex_normals(turned, triangles), azimuth.reshape(-1, 1), height.reshape(-1, 1)]
    hits = hit(
        posed.view.project(turned), triangles, np.concatenate(values, axis=1), canvas.side, False
    )
    normals = unit(hits.values[:, :3])
    normals = normals * np.where(normals[:, 2:] < 0, -1, 1).astype(np.float32)
    at, tall = hits.values[:, 3], hits.values[:, 4]
    down = (CROWN - tall) / 3.6 * (STRANDS_DOWN - 1)
    across = at / (2 * np.pi) * (STRANDS_ACROSS - 1) * 1.5
    across += rng.uniform(0, 14) * np.sin(down * rng.uniform(0.03, 0.2))
    strands = sample_strands(style.strands, across, down)
    light = _hair_light(rng, style.albedo, strands, normals, lighting)
    from_edge = np.minimum(at - opening, 2 * np.pi - opening - at)
    ragged = style.jagged[np.clip(down, 0, 255).astype(int)] / max(np.ptp(style.jagged), 1e-3)
    canvas.lay(hits, light, from_edge > 0.18 * np.clip(ragged + 0.5, 0, 1))


def _grid(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles of a grid of vertices."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    upper = np.stack([corner, corner + columns, corner + 1], axis=1)
    lower = np.stack([corner + 1, corner + columns, corner + columns + 1], axis=1)
    return np.concatenate([upper, lower]).astype(np.int32)


def draw_hat(
    rng: Generator,
    canvas: Canvas,
    posed: Posed,
    anatomy: Anatomy,
    hair: Hair,
    lighting: Lighting,
) -> None:
    """A cap or a bonnet, with or without a brim, in place."""
    edge, tilt, shade = rng.uniform(7.75, 8.0), rng.uniform(-0.15, 0.25), rng.random()
    height = np.full(len(posed.turned), rng.uniform(0.08, 0.3))
    hits = _lifted(posed, anatomy, height, canvas)
    mean = hits.values[:, MEAN]
    cloth = noise(rng, TEXTURE_SIZE, TEXTURE_SIZE, 4, 0.8, 16)
    cloth = np.clip(shade * (1 + rng.uniform(0, 0.8) * cloth), 0.02, 1).astype(np.float32)
    diffuse, _ = lighting.shade(unit(hits.values[:, NORMAL]))
    light = sample(cloth, hits.values[:, TEXTURE]) * diffuse
    canvas.lay(hits, light, mean[:, 1] > edge + tilt * (mean[:, 2] - 0.5) * 0.4)
    if rng.random() < hair.brim_share:
        _draw_brim(rng, canvas, posed, edge + 0.25 * tilt, shade)


def _draw_brim(rng: Generator, canvas: Canvas, posed: Posed, height: float, shade: float) -> None:
    across = np.linspace(-1.1, 1.1, BRIM_STEPS)
    reach = rng.uniform(0.4, 1.0)
    level = np.full(BRIM_STEPS, height)
    inner = np.stack([0.78 * np.sin(across), level, 0.25 + np.cos(across)], axis=1)
    outer = np.stack(
        [
            0.8 * np.sin(across),
            level - 0.15 * reach,
            0.3 + np.cos(across) * (1 + reach),
        ],
        axis=1,
    )
    screen = posed.view.see(np.concatenate([inner, outer]).astype(np.float32))
    values = np.zeros((2 * BRIM_STEPS, 1), np.float32)
    hits = hit(screen, _grid(2, BRIM_STEPS), values, canvas.side, False)
    light = np.full(len(hits.depth), shade * rng.uniform(0.2, 0.9), np.float32)
    canvas.lay(hits, light, np.ones(len(light), bool))
