"""What is painted on the skin, on a cylinder unrolled around the mean head."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.landmarks import LEFT_EYE, RIGHT_EYE
from fkd.synthetic.anatomy import TEXTURE_SIZE as SIZE
from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.noise import noise
from fkd.synthetic.recipe import Brows, Hair, Skin

Texture = NDArray[np.float32]
# Masks are drawn with sub-pixel corners, in 1/8 pixel.
SHIFT = 3


@dataclass(frozen=True)
class Paint:
    """albedo: float32 (SIZE, SIZE), a factor on the skin's. brows: float32 (10, 2), where points
    17-26 lie. beard: float32 (SIZE, SIZE), 0..1.
    """

    albedo: Texture
    brows: NDArray[np.float32]
    beard: Texture


def paint_skin(
    rng: Generator, skin: Skin, brows: Brows, hair: Hair, anatomy: Anatomy, male: float, child: bool
) -> Paint:
    """A skin at random, for a head whose points lie where the mean head's do."""
    places = anatomy.on_texture(slice(0, 68))
    albedo = _tones(rng, skin)
    for eye in (RIGHT_EYE, LEFT_EYE):
        if rng.random() < skin.sockets_share:
            middle = places[eye].mean(axis=0) + np.array([0, rng.uniform(-10, 8)])
            mask = ellipse(middle, (rng.uniform(25, 50), rng.uniform(14, 32)), 8)
            albedo *= 1 - np.float32(rng.uniform(*skin.sockets)) * mask
    if not child and rng.random() < skin.laugh_lines_share:
        _add_laugh_lines(rng, skin, albedo, places)
    beard = np.zeros((SIZE, SIZE), np.float32)
    if male > 0.5 and not child and rng.random() < hair.beard_share:
        beard = _beard(rng, places)
    brow_places, brow_mask = _paint_brows(rng, brows, places[17:27], male)
    return Paint(np.clip(albedo * (1 - brow_mask), 0.03, 1.6), brow_places, beard)


def filled(corners: NDArray, blur: float) -> Texture:
    """A soft mask of a polygon (K, 2), 0..1."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    cv2.fillPoly(mask, [(corners * 2**SHIFT).astype(np.int32)], 1.0, cv2.LINE_AA, SHIFT)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur))


def ellipse(middle: NDArray, radii: tuple[float, float], blur: float) -> Texture:
    """A soft mask of an upright ellipse, 0..1."""
    angle = np.linspace(0, 2 * np.pi, 32)
    return filled(middle + np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], 1), blur)


def _tones(rng: Generator, skin: Skin) -> Texture:
    """Mottling, grain, folds, freckles and spots, about 1."""
    tones = 1 + rng.uniform(*skin.mottle) * noise(rng, SIZE, SIZE, 3, 0.6, 4)
    tones *= 1 + rng.uniform(*skin.grain) * noise(rng, SIZE, SIZE, 2, 0.8, 96)
    if rng.random() < skin.bands_share:
        tones *= 1 + rng.uniform(*skin.bands) * noise(rng, SIZE, SIZE, 4, 0.7, 10, (0.5, 3.0))
    kind = rng.random()
    freckled = kind < skin.freckles_share
    spotted = freckled or kind < skin.freckles_share + skin.spots_share
    for _ in range(rng.poisson(120 if freckled else 6) if spotted else 0):
        x, y = int(rng.integers(100, 410)), int(rng.integers(100, 430))
        tone = float(tones[y, x] * rng.uniform(0.6, 0.95))
        cv2.circle(tones, (x, y), int(rng.integers(1, 3)), tone, -1)
    return np.asarray(tones, np.float32)


def _add_laugh_lines(rng: Generator, skin: Skin, albedo: Texture, places: NDArray) -> None:
    """Darken the folds from the nostrils around the corners of the mouth, in place."""
    for nostril, corner, side in ((31, 48, -1), (35, 54, 1)):
        line = np.array(
            [
                places[nostril] + [side * 4, -8],
                (places[nostril] + places[corner]) / 2 + [side * 14, -4],
                places[corner] + [side * 12, 8],
            ]
        )
        mask = np.zeros((SIZE, SIZE), np.float32)
        cv2.polylines(mask, [line.astype(np.int32)], False, 1.0, 2, cv2.LINE_AA)
        soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1.5, 4))
        albedo *= 1 - np.float32(rng.uniform(*skin.laugh_lines)) * soft


def _beard(rng: Generator, places: NDArray) -> Texture:
    """Where a beard, a moustache, both, or a goatee grows."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    kind, blur = rng.random(), rng.uniform(2, 9)
    if kind < 0.65:
        right, left = places[48], places[54]
        cheek = rng.uniform(-6, 14, 2)
        jaw = np.concatenate(
            [
                places[[1, 2, 3]] + [-6, 0],
                right + np.array([[-26, -4], [-8, cheek[0]]]),
                [places[57] + [0, rng.uniform(10, 22)]],
                left + np.array([[8, cheek[1]], [26, -4]]),
                places[[13, 14, 15]] + [6, 0],
                [[places[14, 0] + 8, SIZE - 60], [places[2, 0] - 8, SIZE - 60]],
            ]
        )
        mask = np.maximum(mask, filled(jaw, blur))
    if kind < 0.5 or kind > 0.65:
        droop = 6 * rng.uniform(0.3, 1)
        lip = [
            places[33] + [-14, 6],
            places[33] + [14, 6],
            places[54] + [6, -4],
            places[54] + [4, droop],
            places[52] + [0, -3],
            places[51] + [0, -2],
            places[50] + [0, -3],
            places[48] + [-4, droop],
            places[48] + [-6, -4],
        ]
        mask = np.maximum(mask, filled(np.array(lip), blur))
    if kind > 0.85:
        mask = np.maximum(mask, ellipse(places[57] + [0, 34], (rng.uniform(10, 30), 24), blur))
    return np.asarray(np.clip(mask * (1 + 0.6 * noise(rng, SIZE, SIZE, 2, 0.8, 90)), 0, 1))


def _paint_brows(
    rng: Generator, brows: Brows, places: NDArray, male: float
) -> tuple[NDArray[np.float32], Texture]:
    """Brows moved at random from the mean's: their points (10, 2), and the mask of their hair."""
    moved = np.array(places, np.float32)
    drop = rng.normal(brows.drop_mean, brows.drop_sd)
    arch, tilt = rng.normal(0, brows.arch_sd), rng.normal(0, brows.tilt_sd)
    along = np.array([-2, -1, 0, 1, 2], np.float32)
    stretch = rng.normal(1, brows.stretch_sd)
    for side, part in ((1, slice(0, 5)), (-1, slice(5, 10))):
        brow = moved[part]
        middle = brow[:, 0].mean()
        brow[:, 1] += drop + arch * (0.5 - np.abs(along) / 2) - tilt * along * side * 0.6
        brow[:, 1] += rng.normal(0, 0.8, 5)
        brow[:, 0] = middle + (brow[:, 0] - middle) * stretch + rng.normal(0, 1.0)
    if rng.random() < 0.8:  # most people's brows are alike
        moved[5:] = [SIZE, 0] + moved[4::-1] * [-1, 1] + rng.normal(0, 0.8, (5, 2))
    thickness = rng.uniform(*brows.thickness) * (1.0 if male > 0.5 else 0.8)
    faint = rng.random() < brows.faint_share
    dark = rng.uniform(-0.1, 0.25) if faint else rng.uniform(*brows.darkness)
    shape = rng.uniform(0.15, 0.7), 1.0, rng.uniform(0.6, 1.1)  # outer end, middle, inner end
    above, blur = rng.uniform(0.0, 0.2), rng.uniform(0.8, 3.0)
    mask = np.zeros((SIZE, SIZE), np.float32)
    t = np.linspace(0, 1, 40)
    for brow in (moved[:5], moved[:4:-1]):
        x = np.interp(t, np.linspace(0, 1, 5), brow[:, 0])
        y = np.polyval(np.polyfit(np.linspace(0, 1, 5), brow[:, 1], 3), t)
        width = thickness * np.interp(t, [0, 0.5, 1], shape)
        upper = np.stack([x, y - width * above], axis=1)
        lower = np.stack([x, y + width * (1 - above)], axis=1)
        mask = np.maximum(mask, filled(np.concatenate([upper, lower[::-1]]), blur))
    sparse = 1 - rng.uniform(*brows.density)
    strands = 1 + sparse * 1.6 * noise(rng, SIZE, SIZE, 2, 0.9, 70, (1.6, 0.7))
    return moved, np.asarray(np.clip(mask * np.clip(strands, 0, 1.2), 0, 1) * dark, np.float32)
