"""Hair: where it grows on the scalp, and what shade and strands it has."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.noise import noise
from fkd.synthetic.recipe import Hair

# Strands run down a texture of this size that wraps around the head.
STRANDS_ACROSS, STRANDS_DOWN = 512, 256
# Heights on the mean head: a forehead's hairline, a fringe, a high forehead, a bald crown.
HAIRLINE, HIGH_HAIRLINE, FRINGE = (7.70, 7.98), (7.95, 8.20), (7.38, 7.60)
BALD = 8.6
SIDEBURNS = (6.85, 7.40)


@dataclass(frozen=True)
class HairStyle:
    """A person's hair. albedo: 0..1. thickness: of the hair over the scalp. worn: hair is drawn
    with volume and colours the scalp. front, slope, parting, side, turn: the hairline.
    jagged: float32 (512,), its jitter around the head. long: a curtain hangs down. hat: worn
    instead. strands: float32 (256, 512), about 0.
    """

    albedo: float
    thickness: float
    worn: bool
    bald: bool
    front: float
    slope: float
    parting: float
    side: float
    turn: float
    jagged: NDArray[np.float32]
    long: bool
    hat: bool
    strands: NDArray[np.float32]

    def hairline(self, azimuth: NDArray[np.float32]) -> NDArray[np.float32]:
        """The lowest height on the mean head where hair grows, by azimuth (radians)."""
        around = np.abs(azimuth)
        low = self.front + self.slope * (azimuth - self.parting) * 0.3
        if self.front > FRINGE[1]:
            low = low + 0.12 * np.abs(azimuth - self.parting)
        toward_side = np.clip((around - 0.75) / self.turn, 0, 1) ** 1.5
        beside = self.front + (self.side - self.front) * toward_side
        line = np.where(around < 0.75, low, beside)
        line = np.where(around > 1.65, self.side - (around - 1.65) * 0.9, line)
        if self.bald:
            line = np.where(around < 1.5, BALD, line)
        return np.asarray(line + self.jagged[_cell(azimuth, len(self.jagged))], np.float32)

    def grows(self, azimuth: NDArray[np.float32], height: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether hair grows at places of the mean head."""
        return np.asarray(height > self.hairline(azimuth))


def _cell(azimuth: NDArray[np.float32], cells: int) -> NDArray[np.intp]:
    place = (azimuth / np.pi * 0.5 + 0.5) * (cells - 1)
    return np.clip(place, 0, cells - 1).astype(int)


def draw_style(rng: Generator, hair: Hair, male: float) -> HairStyle:
    """Hair at random."""
    front = rng.uniform(*(HAIRLINE if rng.random() < 0.8 else HIGH_HAIRLINE))
    if rng.random() < hair.fringe_share:
        front = rng.uniform(*FRINGE)
    none = rng.random() < hair.none_share
    bald = rng.random() < hair.bald_share and male > 0.5
    hat = rng.random() < hair.hat_share
    long_share = hair.long_share_female if male < 0.5 else hair.long_share_male
    dark, bright = hair.albedo
    fine = noise(rng, STRANDS_DOWN, STRANDS_ACROSS, 3, 0.8, 40, (3.0, 0.12))
    coarse = noise(rng, STRANDS_DOWN, STRANDS_ACROSS, 3, 0.8, 12, (2.0, 0.5))
    return HairStyle(
        albedo=float(np.exp(rng.uniform(np.log(dark), np.log(bright)))),
        thickness=float(rng.uniform(*hair.thickness)),
        worn=not none and not hat,
        bald=bald,
        front=float(front),
        slope=float(rng.normal(0, 0.25)),
        parting=float(rng.uniform(-1, 1)),
        side=float(rng.uniform(*SIDEBURNS)),
        turn=float(rng.uniform(0.3, 0.6)),
        jagged=noise(rng, 1, 512, 6, 0.9, 10)[0] * np.float32(rng.uniform(0.02, 0.14)),
        long=not none and not bald and rng.random() < long_share,
        hat=hat,
        strands=fine + np.float32(0.5) * coarse,
    )
