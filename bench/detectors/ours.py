"""A detector of this project in a process of its own: `python -m bench.detectors.ours NAME TASK
FOLDER ...`. NAME: one of DETECTORS, alone or with the landmark model behind it, `haar+base`."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.exchange import Box, Find, answer, jobs, milliseconds
from fkd import Predictor
from fkd.datasets.labelled_pictures import square_of_box
from fkd.detection.registry import DETECTORS
from fkd.geometry.crop import to_grey

# Low, because a curve needs the detections that nobody would show.
MIN_SCORE = 0.01


def alone(detector: str, threads: int) -> Find:
    """The detector and its own scores."""
    search = DETECTORS[detector](threads).search

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        found = search(to_grey(image), None).detections
        return as_rows([(*square_of_box(*of.box), of.score or 0.0) for of in found])

    return find


def with_points(predictor: Predictor) -> Find:
    """The detector as the pipeline uses it, which scores each face by its points."""

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        faces = predictor(image)
        return as_rows([(*square_of_box(*face.box), face.score or 0.0) for face in faces])

    return find


def as_rows(found: list[tuple[float, float, float, float]]) -> NDArray[np.floating]:
    """Faces as float (K, 4): centre x and y and side as labelled pictures have them, and score."""
    return np.array(found, float).reshape(-1, 4)


def times(detector: str, model: str, folder: Path, threads: int) -> dict[str, float]:
    """Milliseconds of the detector alone and of all that finds faces and their points."""
    cv2.setNumThreads(threads)
    image, _ = next(jobs(folder))
    detect = alone(detector, threads)
    taken = {"detect": milliseconds(lambda: detect(image, None))}
    if model:
        predictor = Predictor(model, detector=detector, threads=threads)
        taken["photo"] = milliseconds(lambda: predictor(image))
    return taken


def main() -> None:
    name, task, folder, last = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    detector, _, model = name.partition("+")
    if task == "times":
        print(json.dumps(times(detector, model, folder, int(last))))
    elif model:
        predictor = Predictor(model, detector=detector, min_score=MIN_SCORE)
        answer(folder, with_points(predictor), Path(last))
    else:
        answer(folder, alone(detector, 0), Path(last))


if __name__ == "__main__":
    main()
