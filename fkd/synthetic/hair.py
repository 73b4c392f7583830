"""Hair style: where hair grows on the scalp, its albedo and its strands."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.recipe import Hair

# Strands run down a texture of this size that wraps around the head.
STRANDS_ACROSS, STRANDS_DOWN = 512, 256
# Heights on the mean head, decimetres: a forehead's hairline, a high forehead's, a fringe, the
# sideburns' lower end, and of a bald crown.
HAIRLINE, HIGH_HAIRLINE, FRINGE = (7.70, 7.98), (7.95, 8.20), (7.38, 7.60)
SIDEBURNS = (6.85, 7.40)
BALD = 8.6
# Azimuths, radians: where the forehead ends, where a bald crown ends, where the back begins.
FOREHEAD_END, BALD_END, BACK_BEGIN = 0.75, 1.5, 1.65


@dataclass(frozen=True)
class HairStyle:
    """A person's hair. albedo: 0..1. thickness: over the scalp, decimetres. has_hair: it is
    rendered with volume and colours the scalp. bald: no hair on the crown.

    The hairline on the mean head: front, side: heights over the forehead and beside the ear,
    decimetres. slope: of the front, decimetres per radian over 0.3. parting: its azimuth, radians.
    temple: azimuth that the passage from front to side takes. jitter: float32 (512,), decimetres
    around the head.

    long: long hair hangs down. hat: one is worn. strands: float32 (256, 512), brightness about 0.
    """

    albedo: float
    thickness: float
    has_hair: bool
    bald: bool
    front: float
    slope: float
    parting: float
    side: float
    temple: float
    jitter: NDArray[np.float32]
    long: bool
    hat: bool
    strands: NDArray[np.float32]

    def hairline(self, azimuth: NDArray[np.float32]) -> NDArray[np.float32]:
        """The lowest height on the mean head where hair grows, by azimuth (radians)."""
        around = np.abs(azimuth)
        low = self.front + self.slope * (azimuth - self.parting) * 0.3
        if self.front > FRINGE[1]:
            low = low + 0.12 * np.abs(azimuth - self.parting)
        t = np.clip((around - FOREHEAD_END) / self.temple, 0, 1)
        toward_side = t * np.sqrt(t)
        beside = self.front + (self.side - self.front) * toward_side
        line = np.where(around < FOREHEAD_END, low, beside)
        line = np.where(around > BACK_BEGIN, self.side - (around - BACK_BEGIN) * 0.9, line)
        if self.bald:
            line = np.where(around < BALD_END, BALD, line)
        return np.asarray(line + self.jitter[_cell(azimuth, len(self.jitter))], np.float32)

    def grows(self, azimuth: NDArray[np.float32], height: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether hair grows at azimuths (P,) and heights (P,) of the mean head."""
        return np.asarray(height > self.hairline(azimuth))


def _cell(azimuth: NDArray[np.float32], cells: int) -> NDArray[np.intp]:
    place = (azimuth / np.pi * 0.5 + 0.5) * (cells - 1)
    return np.clip(place, 0, cells - 1).astype(int)


def sample_hair_style(rng: Generator, hair: Hair, male: float) -> HairStyle:
    """Random hair. male: 0..1."""
    front = rng.uniform(*(HAIRLINE if rng.random() < 0.8 else HIGH_HAIRLINE))
    if rng.random() < hair.fringe_prob:
        front = rng.uniform(*FRINGE)
    none = rng.random() < hair.none_prob
    bald = rng.random() < hair.bald_prob and male > 0.5
    hat = rng.random() < hair.hat_prob
    long_prob = hair.long_prob_female if male < 0.5 else hair.long_prob_male
    dark, bright = hair.albedo
    size = (STRANDS_DOWN, STRANDS_ACROSS)
    fine = fractal_noise(rng, size, octaves=3, persistence=0.8, cells=40, stretch=(3.0, 0.12))
    coarse = fractal_noise(rng, size, octaves=3, persistence=0.8, cells=12, stretch=(2.0, 0.5))
    return HairStyle(
        albedo=float(np.exp(rng.uniform(np.log(dark), np.log(bright)))),
        thickness=float(rng.uniform(*hair.thickness)),
        has_hair=not none and not hat,
        bald=bald,
        front=float(front),
        slope=float(rng.normal(0, 0.25)),
        parting=float(rng.uniform(-1, 1)),
        side=float(rng.uniform(*SIDEBURNS)),
        temple=float(rng.uniform(0.3, 0.6)),
        jitter=_sample_jitter(rng),
        long=not none and not bald and rng.random() < long_prob,
        hat=hat,
        strands=fine + np.float32(0.5) * coarse,
    )


def _sample_jitter(rng: Generator) -> NDArray[np.float32]:
    jitter = fractal_noise(rng, (1, 512), octaves=6, persistence=0.9, cells=10)[0]
    return jitter * np.float32(rng.uniform(0.02, 0.14))
