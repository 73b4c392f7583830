"""Fit the mean head of the synthetic faces to the mean of hand-made labels.

`python -m tools.fit_mean_head data/real/300w` averages the annotations of 300-W's training folders
(68 points of 1,901 faces, no photo), fits bounded weights of the mesh's morph targets to that mean
shape, and writes `fkd/synthetic/mean_head.json`: 136 averaged numbers and the weights.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from fkd.datasets.readers import pts
from fkd.geometry.alignment import eye_frame
from fkd.io.pts import read_pts
from fkd.landmarks import COUNT, FLIP, GROUPS
from fkd.synthetic.anatomy import fit_offsets
from fkd.synthetic.bindings import bind_points
from fkd.synthetic.frontal import average_adult, frontal_shape
from fkd.synthetic.mean_head import FILE
from fkd.synthetic.mesh import load_mesh

LARGEST = 0.7  # of a fitted weight
SMALLEST_KEPT = 0.05
RIDGE = 0.05  # of the regularisation that keeps weights small
FITTED_PARTS = ("nose", "mouth", "head", "chin", "forehead")
# Fitted along, so that the neutral head need not imitate the smiles of the mean photo.
MEAN_EXPRESSION = ("arkit/mouthSmileLeft+arkit/mouthSmileRight", "arkit/jawOpen")


def mean_shape(folder: Path) -> NDArray[np.float64]:
    """The symmetric mean of the training annotations under a folder of `.pts` files, float64
    (68, 2) in the eye frame."""
    shapes = [
        eye_frame(read_pts(folder / f"{sample.name}.pts"))
        for sample in pts.samples(folder, "300w")
        if not sample.official_test
    ]
    mean = np.mean(shapes, axis=0)
    return np.asarray((mean + mean[FLIP] * [-1, 1]) / 2)


def stored_shape(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """A mean shape as the file keeps it: four decimals."""
    return np.round(shape, 4)


def candidates() -> list[str]:
    """Names of weights that may be fitted, as `fit_offsets` reads them."""
    targets = load_mesh().targets
    sides = [name for name in targets if name.startswith(("eyes/l-", "cheek/l-"))]
    return [
        *(name for name in targets if name.split("/")[0] in FITTED_PARTS),
        *(f"{name}+{name.replace('/l-', '/r-')}" for name in sides),
        *MEAN_EXPRESSION,
        *("stretch/x+", "stretch/x-", "stretch/y+", "stretch/y-"),
    ]


def fit(shape: NDArray[np.float64]) -> dict[str, float]:
    """Weights, 0 to LARGEST, that bring the average adult's points nearest to a mean shape
    (68, 2): bounded linear least squares of the shape without the brows, with a ridge."""
    adult, names = average_adult(), candidates()
    # The points on the mesh follow the stored shape (brows, jaw).
    points, _ = bind_points(stored_shape(shape))
    start = frontal_shape(points.of(adult))
    fitted = [i for i in range(COUNT) if not GROUPS["brows"].start <= i < GROUPS["brows"].stop]
    columns = []
    for name in names:
        moved = points.of(adult + 0.5 * fit_offsets({name: 1.0}))
        columns.append(2 * (frontal_shape(moved) - start)[fitted].ravel())
    matrix = np.vstack([np.array(columns).T, RIDGE * np.eye(len(names))])
    goal = np.concatenate([(shape - start)[fitted].ravel(), np.zeros(len(names))])
    solved = lsq_linear(matrix, goal, bounds=(0, LARGEST)).x
    return {
        name: round(float(weight), 4)
        for name, weight in zip(names, solved, strict=True)
        if not name.startswith("arkit/")
    }


def main(folder: Path, output: Path = FILE) -> None:
    """Write the fit to a folder of 300-W's layout as JSON."""
    shape = mean_shape(folder)
    weights = {name: weight for name, weight in fit(shape).items() if weight >= SMALLEST_KEPT}
    stored = {"mean_shape": stored_shape(shape).tolist(), "weights": weights}
    output.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:3]))
