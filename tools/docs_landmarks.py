"""The chart of the 68 points in docs/landmarks.svg: `python -m tools.docs_landmarks` writes it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import CONTOURS, COUNT, GROUPS, LEFT_EYE, RIGHT_EYE
from fkd.synthetic.mean_head import load_mean_head

FILE = Path(__file__).resolve().parents[1] / "docs" / "landmarks.svg"
WIDTH, HEIGHT, ZOOM = 1040, 840, 320
ORIGIN = (400, 190)  # the middle of the eyes
LABEL_AWAY = 13  # pixels from a point to the middle of its number
COLOURS = {
    "jaw": "#5b6770",
    "brows": "#a0522d",
    "nose": "#2e7d32",
    "eyes": "#1565c0",
    "mouth": "#c62828",
}
# What the legend says: first point, last point, of what.
PARTS = (
    (0, 16, "jaw", "jaw, right ear to left ear"),
    (17, 21, "brows", "right brow"),
    (22, 26, "brows", "left brow"),
    (27, 30, "nose", "bridge of the nose"),
    (31, 35, "nose", "nostrils"),
    (36, 41, "eyes", "right eye"),
    (42, 47, "eyes", "left eye"),
    (48, 59, "mouth", "outer lips"),
    (60, 67, "mouth", "inner lips"),
)


def landmarks_svg() -> str:
    """The chart: the mean shape's points with their numbers, contours and a legend."""
    places = np.array(ORIGIN) + ZOOM * load_mean_head().shape
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">',
        "<title>The 68 points and their numbers</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for first, last, closed in CONTOURS:
        tag = "polygon" if closed else "polyline"
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in places[first:last])
        colour = _colour(first)
        lines.append(
            f'<{tag} points="{corners}" fill="none" stroke="{colour}" stroke-width="1.5" '
            'stroke-opacity="0.45"/>'
        )
    away = _label_directions(places)
    for i, (x, y) in enumerate(places):
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_colour(i)}"/>')
        dx, dy = LABEL_AWAY * away[i]
        lines.append(
            f'<text x="{x + dx:.1f}" y="{y + dy + 4.5:.1f}" font-size="13" text-anchor="middle" '
            f'fill="{_colour(i)}">{i}</text>'
        )
    return "\n".join([*lines, *_legend(), "</svg>"]) + "\n"


def _label_directions(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (68, 2) from each point to its number, away from what is drawn nearby."""
    away = np.zeros((COUNT, 2))
    for part in (GROUPS["jaw"], RIGHT_EYE, LEFT_EYE, slice(48, 60)):
        away[part] = places[part] - places[part].mean(axis=0)
    away[GROUPS["jaw"], 1] *= 0.5
    away[17:27] = (0, -1)
    away[27:31] = (1, 0)
    away[31:36] = (0, 1)
    away[48:60, 0] *= 0.5  # wide and low, so numbers stand above and below it
    away[60], away[64] = (1, 0), (-1, 0)  # the outer lips are near on the other side
    away[61:64], away[65:68] = (0, -1), (0, 1)
    unit: NDArray[np.float64] = away / np.linalg.norm(away, axis=1, keepdims=True)
    return unit * (1.3, 1)  # numbers are wider than high


def _legend() -> list[str]:
    """Index ranges beside the face, and whose left and right they name."""
    x, y = 800, 130
    lines = []
    for number, (first, last, group, what) in enumerate(PARTS):
        row = y + 30 * number
        lines.append(f'<circle cx="{x}" cy="{row - 5}" r="5" fill="{COLOURS[group]}"/>')
        lines.append(
            f'<text x="{x + 14}" y="{row}" font-size="15" fill="#222">{first}-{last}  {what}</text>'
        )
    notes = ("Left and right are the", "subject's: the right eye", "is on the left of the picture.")
    top = y + 30 * len(PARTS) + 20
    for number, note in enumerate(notes):
        lines.append(
            f'<text x="{x - 5}" y="{top + 20 * number}" font-size="14" fill="#555">{note}</text>'
        )
    return lines


def _colour(point: int) -> str:
    group = next(name for name, part in GROUPS.items() if part.start <= point < part.stop)
    return COLOURS[group]


if __name__ == "__main__":
    FILE.write_text(landmarks_svg())
