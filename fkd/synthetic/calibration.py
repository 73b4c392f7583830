"""How the mean head was fitted to the mean of hand-made labels; run once, its result is in git.

`python -m fkd.synthetic.calibration data/real/300w` averages the annotations of 300-W's training
folders (68 points of 1,901 faces, no photo), fits bounded weights of the mesh's shape targets to
that mean shape, and writes `calibration.json`: 136 averaged numbers and the weights.
"""

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets import pts
from fkd.landmarks import COUNT, FLIP, GROUPS
from fkd.metrics import eye_frame

FILE = Path(__file__).with_name("calibration.json")
STRONGEST = 0.7
RIDGE = 0.05
SMALLEST_KEPT = 0.05
FITTED_PARTS = ("nose", "mouth", "head", "chin", "forehead")
# Fitted along, so that the neutral head need not imitate the smiles of the mean photo.
MEAN_EXPRESSION = ("arkit/mouthSmileLeft+arkit/mouthSmileRight", "arkit/jawOpen")


@dataclass(frozen=True)
class Calibration:
    """mean_shape: float64 (68, 2), eye-middle frame: x right, y down, unit the distance of the
    eyes' centres. weights: of shape targets ("a+b" moves both), and of "stretch/x+", "stretch/y-".
    """

    mean_shape: NDArray[np.float64]
    weights: dict[str, float]


@cache
def load_calibration() -> Calibration:
    """The committed result."""
    stored = json.loads(FILE.read_text())
    return Calibration(np.array(stored["mean_shape"]), stored["weights"])


def mean_shape(folder: Path) -> NDArray[np.float64]:
    """The symmetric mean of the training annotations under a folder of `.pts` files."""
    shapes = []
    for sample in pts.samples(folder, "300w"):
        if not sample.official_test:
            shapes.append(eye_frame(pts.read_pts(folder / f"{sample.name}.pts")))
    mean = np.mean(shapes, axis=0)
    return np.asarray((mean + mean[FLIP] * [-1, 1]) / 2)


def fit(shape: NDArray[np.float64]) -> dict[str, float]:
    """Weights, 0 to STRONGEST, that bring the average adult's points nearest to a mean shape."""
    from scipy.optimize import lsq_linear

    from fkd.synthetic.anatomy import fit_offsets
    from fkd.synthetic.bindings import average_adult, frontal_shape
    from fkd.synthetic.mesh import load_mesh

    mesh, adult = load_mesh(), average_adult()
    candidates = [n for n in mesh.targets if n.split("/")[0] in FITTED_PARTS]
    candidates += [
        f"{name}+{name.replace('/l-', '/r-')}"
        for name in mesh.targets
        if name.startswith(("eyes/l-", "cheek/l-"))
    ]
    candidates += [*MEAN_EXPRESSION, "stretch/x+", "stretch/x-", "stretch/y+", "stretch/y-"]
    start = frontal_shape(adult)
    fitted = [i for i in range(COUNT) if not GROUPS["brows"].start <= i < GROUPS["brows"].stop]
    columns = []
    for name in candidates:
        step = frontal_shape(adult + 0.5 * fit_offsets({name: 1.0})) - start
        columns.append(2 * step[fitted].ravel())
    matrix = np.vstack([np.array(columns).T, RIDGE * np.eye(len(candidates))])
    goal = np.concatenate([(shape - start)[fitted].ravel(), np.zeros(len(candidates))])
    solved = lsq_linear(matrix, goal, bounds=(0, STRONGEST)).x
    return {
        name: round(float(weight), 4)
        for name, weight in zip(candidates, solved, strict=True)
        if not name.startswith("arkit/")
    }


def main(folder: Path) -> None:
    """Write `calibration.json` from a folder of 300-W's layout."""
    shape = mean_shape(folder)
    # The points on the mesh follow the mean shape (brows, jaw), so it is written before the fit.
    _write(shape, {})
    load_calibration.cache_clear()
    weights = fit(shape)
    _write(shape, {name: weight for name, weight in weights.items() if weight >= SMALLEST_KEPT})


def _write(shape: NDArray[np.float64], weights: dict[str, float]) -> None:
    stored = {"mean_shape": np.round(shape, 4).tolist(), "weights": weights}
    FILE.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
