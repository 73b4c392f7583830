"""A model of this project in a process of its own: `python -m bench.ours MODEL TASK ...`."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.exchange import Box, Find, answer, jobs, milliseconds, peak_megabytes
from fkd import Predictor
from fkd.detection.haar import find_faces
from fkd.geometry.crop import crop_face, to_grey
from fkd.models.zoo import find_model


def finder(predictor: Predictor) -> Find:
    """A predictor's points; a given box follows its detector's convention."""

    def find(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.floating]:
        faces = predictor(image, None if box is None else [box])
        return np.array([face.points for face in faces], np.float32).reshape(-1, 68, 2)

    return find


def boxes(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
    """The detector's boxes as two points: (x, y) and (width, height)."""
    found = [face.box for face in find_faces(to_grey(image))]
    return np.array(found, float).reshape(-1, 2, 2)


def times(predictor: Predictor, neural: Predictor, folder: Path) -> dict[str, float]:
    """Milliseconds of each step on the first picture of a folder. neural: the same model behind the
    neural detector."""
    image, _ = next(jobs(folder))
    grey, spec = to_grey(image), predictor.info.crop
    box = predictor(image)[0].box
    crop = crop_face(grey, box, spec).pixels[None, None]
    many = np.repeat(crop, 16, axis=0)
    return {
        "detect": milliseconds(lambda: find_faces(grey)),
        "points": milliseconds(
            lambda: predictor.pipeline.model(crop_face(grey, box, spec).pixels[None, None])
        ),
        "points_of_16": milliseconds(lambda: predictor.pipeline.model(many)) / 16,
        "photo": milliseconds(lambda: predictor(image)),
        "photo_neural": milliseconds(lambda: neural(image)),
    }


def main() -> None:
    name, task, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if name == "boxes":
        answer(folder, boxes, Path(sys.argv[4]))
        return
    if task == "answer":
        answer(folder, finder(Predictor(name)), Path(sys.argv[4]))
    elif task == "times":
        threads = int(sys.argv[4])
        cv2.setNumThreads(threads)
        haar = Predictor(name, detector="haar", threads=threads)
        neural = Predictor(name, detector="neural", threads=threads)
        print(json.dumps(times(haar, neural, folder)))
    else:  # one photo, for start and memory
        image, _ = next(jobs(folder))
        Predictor(name)(image)
        size = find_model(name).stat().st_size / 1e6
        print(json.dumps({"memory": peak_megabytes(), "file": size}))


if __name__ == "__main__":
    main()
