"""dlib and MediaPipe, in their own environment: `python -m bench.peers NAME TASK ...`.

Nothing of fkd is imported here; it is not installed there.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.exchange import Box, Find, answer, jobs, milliseconds, peak_megabytes


def dlib_parts() -> tuple[Any, Any]:
    """Its frontal HOG detector and the 68-point predictor."""
    import dlib
    import face_recognition_models

    model = face_recognition_models.pose_predictor_model_location()
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(model)


def dlib_find() -> Find:
    """Detector and predictor as they are used together; boxes follow its detector's convention."""
    import dlib

    detector, predictor = dlib_parts()

    def find(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.floating]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if box is None:
            boxes = detector(grey, 0)
        else:
            x, y, width, height = box
            boxes = [dlib.rectangle(x, y, x + width - 1, y + height - 1)]
        shapes = [predictor(grey, rectangle) for rectangle in boxes]
        points = [[(p.x, p.y) for p in shape.parts()] for shape in shapes]
        return np.array(points, float).reshape(-1, 68, 2)

    return find


def dlib_boxes() -> Find:
    """Its detector's boxes as two points: (x, y) and (width, height)."""
    detector, _ = dlib_parts()

    def find(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.floating]:
        found = detector(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 0)
        boxes = [[(r.left(), r.top()), (r.width(), r.height())] for r in found]
        return np.array(boxes, float).reshape(-1, 2, 2)

    return find


def mediapipe_find() -> Find:
    """Face mesh for still pictures, up to four faces: 468 points each."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=4)

    def find(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.floating]:
        size = np.array([image.shape[1], image.shape[0]])
        faces = mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks or []
        points = [[(p.x, p.y) for p in face.landmark] for face in faces]
        return np.array(points, float).reshape(-1, 468, 2) * size - 0.5

    return find


def mediapipe_mesh() -> Find:
    """The same in three dimensions: x to the right, y down, z away from the camera, pixels."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=4)

    def find(image: NDArray[np.uint8], box: Box | None) -> NDArray[np.floating]:
        height, width = image.shape[:2]
        faces = mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks or []
        points = [[(p.x, p.y, p.z) for p in face.landmark] for face in faces]
        return np.array(points, float).reshape(-1, 468, 3) * (width, height, width)

    return find


def model_files(name: str) -> list[Path]:
    """What a program's networks or trees are read from."""
    if name == "mediapipe":
        import mediapipe

        modules = Path(mediapipe.__file__).parent / "modules"
        names = ("face_detection_short_range.tflite", "face_landmark.tflite")
        return [next(modules.rglob(file)) for file in names]
    import face_recognition_models

    return [Path(face_recognition_models.pose_predictor_model_location())]


FINDERS = {
    "dlib": dlib_find,
    "dlib-boxes": dlib_boxes,
    "mediapipe": mediapipe_find,
    "mediapipe-mesh": mediapipe_mesh,
}


def times(name: str, folder: Path) -> dict[str, float]:
    """Milliseconds of each step on the first picture of a folder."""
    image, _ = next(jobs(folder))
    if name == "mediapipe":
        find = mediapipe_find()
        return {"photo": milliseconds(lambda: find(image, None))}
    detector, predictor = dlib_parts()
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    box = detector(grey, 0)[0]
    find = dlib_find()
    return {
        "detect": milliseconds(lambda: detector(grey, 0)),
        "points": milliseconds(lambda: predictor(grey, box)),
        "photo": milliseconds(lambda: find(image, None)),
    }


def main() -> None:
    name, task, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if task == "answer":
        answer(folder, FINDERS[name](), Path(sys.argv[4]))
    elif task == "times":
        print(json.dumps(times(name, folder)))
    else:  # one photo, for start and memory
        image, _ = next(jobs(folder))
        FINDERS[name]()(image, None)
        size = sum(file.stat().st_size for file in model_files(name)) / 1e6
        print(json.dumps({"memory": peak_megabytes(), "file": size}))


if __name__ == "__main__":
    main()
