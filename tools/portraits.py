"""Portraits without labels, by how bright the skin is: how many faces are found, and how far two
models disagree. `python -m tools.portraits data/free` prints the table of docs/evaluation.md."""

import sys
import warnings
from pathlib import Path

import cv2
import numpy as np

from fkd import Predictor
from fkd.geometry import Image, Points
from fkd.geometry.crop import to_grey
from fkd.io.folders import photos_below
from fkd.io.images import read_image

# Points around the bare middle of a face: beside the nose, below the eyes, above the mouth.
CHEEKS = (3, 31, 39, 42, 35, 13, 54, 48)
GROUPS = ("dark", "medium", "bright")


def brightness(grey: Image, points: Points) -> float:
    """Median grey value, 0..255, between the jaw, the eyes and the mouth."""
    mask = np.zeros(grey.shape, np.uint8)
    cv2.fillPoly(mask, [points[list(CHEEKS)].astype(np.int32)], 255)
    return float(np.median(grey[mask > 0]))


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")  # the licence of `research`, which is only asked
    base, research = Predictor("base", detector="neural"), Predictor("research")
    rows, missed = [], 0
    for photo in photos_below(folder)[0]:
        grey = to_grey(read_image(photo))
        found = base(grey)
        if not found:
            missed += 1
            continue
        points = found[0].points
        (other,) = research(grey, boxes=[found[0].reference_box])
        eyes = np.linalg.norm(points[36] - points[45])
        apart = 100 * np.linalg.norm(points - other.points, axis=1).mean() / eyes
        rows.append((brightness(grey, points), apart, found[0].score or 0.0))
    if not rows:
        sys.exit(f"{folder}: no face in a photo below it")
    rows.sort()
    print(f"{len(rows)} faces found, {missed} photos without one")
    for name, third in zip(GROUPS, np.array_split(np.array(rows), len(GROUPS)), strict=True):
        bright, apart, score = third.T
        error = apart.std() / np.sqrt(len(apart))
        print(
            f"{name}, {bright.min():.0f} to {bright.max():.0f}: {len(third)} faces, "
            f"{apart.mean():.2f} +- {error:.2f} % apart, mean score {score.mean():.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
