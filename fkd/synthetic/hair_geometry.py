"""Hair and beards with volume: parts of the head's surface moved off it, and long hair's mesh."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.canvas import Canvas, Fragments, rasterize_mesh
from fkd.synthetic.hair import STRANDS_ACROSS, STRANDS_DOWN
from fkd.synthetic.light import Lighting
from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.raster import vertex_normals
from fkd.synthetic.shot import (
    AZIMUTH,
    EARS,
    INNER_MOUTH,
    LIPS,
    MEAN_HEIGHT,
    NORMAL,
    UV,
    PosedHead,
    Shot,
)
from fkd.synthetic.texture import strand_lookup, texture_lookup
from fkd.synthetic.vectors import normalize

# Heights, decimetres: above every head, where long hair begins, and below the chin.
CROWN, LONG_HAIR_TOP, NECK = 8.6, 8.05, 6.22
# Columns and rows of the long hair's mesh.
LONG_HAIR_STEPS, LONG_HAIR_ROWS = 72, 24


def offset_surface(head: PosedHead, height: NDArray, side: int) -> Fragments:
    """Fragments of the skin where hair may grow, moved out by a height (V,) along its normals."""
    raised = head.vertices + head.normals * height[:, None].astype(np.float32)
    screen = head.view.project(raised)
    return rasterize_mesh(screen, head.anatomy.scalp, head.attributes, side, True)


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles int32 (T, 3) of a grid of vertices in row-major order."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    upper = np.stack([corner, corner + columns, corner + 1], axis=1)
    lower = np.stack([corner + 1, corner + columns, corner + columns + 1], axis=1)
    return np.concatenate([upper, lower]).astype(np.int32)


def _thickness_noise(rng: Generator, anatomy: Anatomy) -> NDArray[np.float32]:
    """Noise about 1 at the vertices (V,), for uneven thickness."""
    pattern = fractal_noise(rng, (64, 64), octaves=4, persistence=0.6, cells=4)
    x = np.clip((anatomy.azimuth / np.pi * 0.5 + 0.5) * 63, 0, 63).astype(int)
    y = np.clip((CROWN - anatomy.mean[:, 1]) / 2.4 * 63, 0, 63).astype(int)
    return 1 + np.float32(0.8) * pattern[y, x]


def _hair_radiance(
    rng: Generator, albedo: float, strands: NDArray, normals: NDArray, lighting: Lighting
) -> NDArray[np.float32]:
    """Radiance (P,) of hair: strands (P,) darken and brighten it and break its highlights."""
    diffuse, specular = lighting.shade(normals)
    shine = 0.12 * rng.random() * specular * np.clip(0.5 + strands, 0, 1.5)
    return np.asarray(albedo * np.clip(1 + 1.1 * strands, 0.15, 2.5) * diffuse * 0.85 + shine)


def render_hair(rng: Generator, shot: Shot, canvas: Canvas) -> None:
    """Hair over the scalp, in place."""
    anatomy, style = shot.head.anatomy, shot.appearance.hair
    off_neck = np.clip((anatomy.mean[:, 1] - 6.3) / 0.4, 0, 1)
    height = np.clip(style.thickness * _thickness_noise(rng, anatomy), 0.015, 0.6) * off_neck
    fragments = offset_surface(shot.head, height, canvas.side)
    at = fragments.attributes
    down = (CROWN - at[:, MEAN_HEIGHT]) / 2.4 * (STRANDS_DOWN - 1)
    across = (at[:, AZIMUTH] / np.pi * 0.5 + 0.5) * (STRANDS_ACROSS - 1)
    across += rng.uniform(-0.25, 0.25) * down
    across += rng.uniform(0, 10) * np.sin(down * rng.uniform(0.03, 0.15) + across * 0.05)
    strands = strand_lookup(style.strands, across, down)
    normals = normalize(at[:, NORMAL])
    radiance = _hair_radiance(rng, style.albedo, strands, normals, shot.lighting)
    mask = style.grows(at[:, AZIMUTH], at[:, MEAN_HEIGHT]) & (at[:, EARS] < 0.35)
    canvas.composite(fragments, radiance, mask)


def render_beard(rng: Generator, shot: Shot, canvas: Canvas) -> None:
    """A beard with volume over the one in the skin's texture, in place."""
    head, style, beard = shot.head, shot.appearance.hair, shot.appearance.texture.beard
    off_lips = np.clip(1.3 - 3 * head.attributes[:, LIPS], 0, 1)
    grown = texture_lookup(beard, head.anatomy.texture) * off_lips
    length = rng.uniform(0.01, 0.16) * np.clip(1.3 * grown, 0, 1)
    height = length * _thickness_noise(rng, head.anatomy)
    fragments = offset_surface(head, height, canvas.side)
    at = fragments.attributes
    curl = np.asarray(at[:, UV] * rng.uniform(0.5, 1.25), np.float32)
    strands = strand_lookup(style.strands, curl[:, 0], curl[:, 1])
    density = texture_lookup(beard, at[:, UV]) * (1 + 0.7 * strands)
    mask = (density > rng.uniform(0.15, 0.5)) & (at[:, MEAN_HEIGHT] > NECK)
    mask &= (at[:, LIPS] < 0.35) & (at[:, INNER_MOUTH] < 0.3)
    albedo = min(style.albedo * rng.uniform(0.6, 1.3), 0.8)
    radiance = _hair_radiance(rng, albedo, strands, normalize(at[:, NORMAL]), shot.lighting)
    canvas.composite(fragments, radiance, mask, depth_bias=0.01)


@dataclass(frozen=True)
class LongHair:
    """A mesh open to the front. vertices: float32 (V, 3), unposed, decimetres. azimuth, height:
    float32 (V, 1). opening: azimuth of its edges, radians to both sides of straight ahead."""

    vertices: NDArray[np.float32]
    azimuth: NDArray[np.float32]
    height: NDArray[np.float32]
    opening: float


def _sample_long_hair(rng: Generator, head: PosedHead) -> LongHair:
    """A random skirt of hair around the head, at the sides and the back."""
    opening = rng.uniform(0.6, 1.35)
    around = np.linspace(opening, 2 * np.pi - opening, LONG_HAIR_STEPS)
    heights = np.linspace(LONG_HAIR_TOP, rng.uniform(5.0, 6.6), LONG_HAIR_ROWS)
    azimuth, height = (g.astype(np.float32) for g in np.meshgrid(around, heights))
    widen = 1 + rng.uniform(-0.1, 0.35) * (LONG_HAIR_TOP - height) / 3
    waves = np.sin(azimuth * rng.integers(3, 14) + rng.uniform(0, 6))
    widen += 0.10 * rng.random() * waves * np.clip(8 - height, 0, 1)
    widen *= np.sqrt(np.clip((8.3 - height) / 0.5, 0, 1))
    crown = head.person.vertices[head.anatomy.mean[:, 1] > 7.5, 0]
    half_width = (crown.max() - crown.min()) / 2 + 0.6 * rng.uniform(-0.04, 0.23)
    x = np.sin(azimuth) * half_width * widen
    z = 0.2 + np.cos(azimuth) * rng.uniform(0.75, 1.1) * widen
    vertices = np.stack([x, height, z], axis=-1).reshape(-1, 3).astype(np.float32)
    return LongHair(vertices, azimuth.reshape(-1, 1), height.reshape(-1, 1), opening)


def render_long_hair(rng: Generator, shot: Shot, canvas: Canvas) -> None:
    """Long hair hanging at the sides and the back, in place."""
    style, view = shot.appearance.hair, shot.head.view
    hair = _sample_long_hair(rng, shot.head)
    head_weight = np.clip((hair.vertices[:, 1:2] - 5.4) / 1.2, 0, 1)
    rotated = view.rotate(hair.vertices, head_weight)
    triangles = grid_triangles(LONG_HAIR_ROWS, LONG_HAIR_STEPS)
    parts = [vertex_normals(rotated, triangles), hair.azimuth, hair.height]
    attributes = np.concatenate(parts, axis=1)
    fragments = rasterize_mesh(view.project(rotated), triangles, attributes, canvas.side, False)
    normals = normalize(fragments.attributes[:, :3])
    normals = normals * np.where(normals[:, 2:] < 0, -1, 1).astype(np.float32)  # both sides show
    azimuth, height = fragments.attributes[:, 3], fragments.attributes[:, 4]
    down = (CROWN - height) / 3.6 * (STRANDS_DOWN - 1)
    across = azimuth / (2 * np.pi) * (STRANDS_ACROSS - 1) * 1.5
    across += rng.uniform(0, 14) * np.sin(down * rng.uniform(0.03, 0.2))
    strands = strand_lookup(style.strands, across, down)
    radiance = _hair_radiance(rng, style.albedo, strands, normals, shot.lighting)
    from_edge = np.minimum(azimuth - hair.opening, 2 * np.pi - hair.opening - azimuth)
    ragged = style.jitter[np.clip(down, 0, 255).astype(int)] / max(np.ptp(style.jitter), 1e-3)
    canvas.composite(fragments, radiance, from_edge > 0.18 * np.clip(ragged + 0.5, 0, 1))
