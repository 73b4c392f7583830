"""Other programs' detectors, in their own environment: `python -m bench.detectors.peers NAME TASK
FOLDER ...`. NAME: one of PEERS, or the path of YuNet's .onnx file.

Nothing of fkd is imported here; it is not installed there. Thresholds are low, because a curve
needs the detections that nobody would show.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.exchange import Box, Find, answer, jobs, milliseconds

MIN_SCORE = 0.01
# dlib's scores are distances from its threshold, at 0.
MIN_DISTANCE = -1.0


def as_rows(boxes: Any, scores: Any) -> NDArray[np.floating]:
    """Boxes (K, 4) of x, y, width, height, and their scores (K,), as float (K, 4): centre x and y,
    side of the square of the same area, score; pixels, whose centres are at integers.

    Boxes are taken as each program gives them. Against the labels of 94 faces of FDDB and LFPW the
    centres lie 0.17 sides higher at the most (medians), and the sides are 0.81 to 1.03 of theirs:
    far within what `fkd.evaluation.detection.match` allows.
    """
    x, y, width, height = np.asarray(boxes, float).reshape(-1, 4).T
    side = np.sqrt(np.maximum(width, 0) * np.maximum(height, 0))
    middle = x + (width - 1) / 2, y + (height - 1) / 2
    return np.stack([*middle, side, np.asarray(scores, float)], axis=1)


def yunet(model: str) -> Find:
    """OpenCV's detector network."""
    network = cv2.FaceDetectorYN.create(model, "", (320, 320), score_threshold=MIN_SCORE)

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        network.setInputSize((image.shape[1], image.shape[0]))
        found = network.detect(image)[1]
        told = np.zeros((0, 15)) if found is None else found
        return as_rows(told[:, :4], told[:, 14])

    return find


def mediapipe(selection: int) -> Find:
    """MediaPipe's detector. selection: 0 for short range, which its face mesh uses, 1 for full."""
    import mediapipe as package

    detector = package.solutions.face_detection.FaceDetection(
        model_selection=selection, min_detection_confidence=MIN_SCORE
    )

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        height, width = image.shape[:2]
        found = detector.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).detections or []
        boxes = [of.location_data.relative_bounding_box for of in found]
        sides = [
            (b.xmin * width, b.ymin * height, b.width * width, b.height * height) for b in boxes
        ]
        return as_rows(sides, [of.score[0] for of in found])

    return find


def dlib(enlarged: int) -> Find:
    """dlib's frontal HOG. enlarged: how often the photo is doubled; its smallest face is 80 px."""
    import dlib as package

    detector = package.get_frontal_face_detector()

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found, scores, _parts = detector.run(grey, enlarged, MIN_DISTANCE)
        return as_rows([(r.left(), r.top(), r.width(), r.height()) for r in found], list(scores))

    return find


def mtcnn() -> Find:
    """facenet-pytorch's MTCNN. Its first two stages keep their thresholds."""
    import torch
    from facenet_pytorch import MTCNN  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    network = MTCNN(keep_all=True, thresholds=[0.6, 0.7, MIN_SCORE])

    def find(image: NDArray[np.uint8], _: Box | None) -> NDArray[np.floating]:
        corners, scores = network.detect(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        if corners is None:
            return np.zeros((0, 4))
        return as_rows(np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]), scores)

    return find


PEERS: dict[str, Callable[[], Find]] = {
    "mediapipe-short": lambda: mediapipe(0),
    "mediapipe-full": lambda: mediapipe(1),
    "dlib": lambda: dlib(0),
    "dlib-enlarged": lambda: dlib(1),
    "mtcnn": mtcnn,
}


def main() -> None:
    name, task, folder, last = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    find = PEERS[name]() if name in PEERS else yunet(name)
    if task == "times":
        cv2.setNumThreads(int(last))
        image, _ = next(jobs(folder))
        print(json.dumps({"detect": milliseconds(lambda: find(image, None))}))
    else:
        answer(folder, find, Path(last))


if __name__ == "__main__":
    main()
