"""Negatives: boxes that frame no face, against which the face score is calibrated."""

import numpy as np
from numpy.random import Generator

from fkd.datasets.store import LabelledFace
from fkd.detection.detections import Detector
from fkd.geometry import Box, Image
from fkd.geometry.boxes import centre_distance
from fkd.synthetic.recipe import Scene
from fkd.synthetic.scene import render_background

SCENE_SIDE, BOXES_IN_SCENE, SMALLEST = 256, 3, 24
# A detection whose centre lies this far from the reference box, in its sides, frames no face.
ELSEWHERE = 0.6


def misplaced_boxes(box: Box, rng: Generator) -> list[Box]:
    """Three boxes near a face's that do not frame it: beside it, on a part of it, far too wide."""
    turn, part_turn = rng.uniform(0, 2 * np.pi, 2)
    return [
        _changed(box, turn, rng.uniform(0.5, 1.0), float(np.exp(rng.uniform(-0.4, 0.4)))),
        _changed(box, part_turn, rng.uniform(0.0, 0.35), rng.uniform(0.25, 0.5)),
        _changed(box, turn, rng.uniform(0.0, 0.2), rng.uniform(1.9, 2.5)),
    ]


def _changed(box: Box, turn: float, distance: float, ratio: float) -> Box:
    x, y, side, _ = box
    new = max(1, round(side * ratio))
    right = x + side / 2 + np.cos(turn) * distance * side - new / 2
    down = y + side / 2 + np.sin(turn) * distance * side - new / 2
    return round(float(right)), round(float(down)), new, new


def detected_elsewhere(face: LabelledFace, detector: Detector) -> list[Box]:
    """What a detector finds in a face's picture away from the face."""
    found = [one.box for one in detector.search(np.asarray(face.grey), SMALLEST).detections]
    return [box for box in found if centre_distance(box, face.reference_box) > ELSEWHERE]


def boxes_in_scene(scene: Scene, rng: Generator) -> tuple[Image, list[Box]]:
    """A rendered background, uint8 grey, and boxes anywhere in it; the cascade itself finds next
    to nothing there."""
    picture = np.asarray(255 * render_background(rng, scene, SCENE_SIDE), np.uint8)
    sides = rng.integers(SMALLEST, SCENE_SIDE // 2, BOXES_IN_SCENE)
    corners = rng.integers(0, SCENE_SIDE // 2, (BOXES_IN_SCENE, 2))
    boxes = np.column_stack([corners, sides, sides]).tolist()
    return picture, [(x, y, width, height) for x, y, width, height in boxes]
