"""From a network's spreads on faces kept aside to what its confidence and score mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fkd.certainty import Certainty, Floats, fit_logistic
from fkd.datasets.store import Face
from fkd.false_boxes import boxes_in_scene, detected_elsewhere, misplaced_boxes
from fkd.params import Calibrate
from fkd.preprocess import Box, CropSpec, Image, crop_face
from fkd.synthetic.recipe import Scene


@dataclass(frozen=True)
class Spreads:
    """What a network answers to some crops, face or not: errors (N, 68) in percent of the outer
    eye distance and spreads (N, 68) of true faces, spreads (M, 68) of false boxes, crop pixels.
    """

    errors: Floats
    faces: Floats
    others: Floats


def false_crops(faces: list[Face], scene: Scene, spec: CropSpec, seed: int) -> NDArray[np.uint8]:
    """Crops of false boxes, uint8 (M, 1, S, S): misplaced around the faces, detected elsewhere in
    their cut-outs, and one drawn scene for each face."""
    framed: list[tuple[Image, Box]] = []
    for i, face in enumerate(faces):
        rng = np.random.default_rng([seed, i])
        boxes = [*misplaced_boxes(face.box, rng), *detected_elsewhere(face)]
        framed += [(face.grey, box) for box in boxes]
        picture, boxes = boxes_in_scene(scene, rng)
        framed += [(picture, box) for box in boxes]
    return np.stack([crop_face(grey, box, spec).pixels[None] for grey, box in framed])


def fit_certainty(spreads: Spreads, params: Calibrate) -> Certainty:
    """The probabilities, and the score that all but `lost` of the faces reach."""
    right = spreads.errors <= params.within
    point = fit_logistic(spreads.faces[right], spreads.faces[~right])
    face = fit_logistic(spreads.faces.mean(axis=1), spreads.others.mean(axis=1))
    scores = face(spreads.faces.mean(axis=1))
    return Certainty(point, face, float(np.quantile(scores, params.lost)))


def rates(spreads: Spreads, certainty: Certainty) -> dict[str, float]:
    """How the threshold divides the crops: numbers of both kinds, percent kept and dropped."""
    kept = certainty.face(spreads.faces.mean(axis=1)) >= certainty.min_score
    dropped = certainty.face(spreads.others.mean(axis=1)) < certainty.min_score
    return {
        "faces": len(kept),
        "faces_kept": 100 * float(kept.mean()),
        "false_boxes": len(dropped),
        "false_boxes_dropped": 100 * float(dropped.mean()),
        "min_score": certainty.min_score,
    }
