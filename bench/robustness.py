"""NME of a packaged model and of dlib's predictor on pictures that get worse step by step."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.degradation import (
    BOX_LEVELS,
    PICTURE_LEVELS,
    TURN,
    about_face,
    changed_box,
    degraded,
    moved,
    moved_box,
    turned,
)
from bench.exchange import Box, Job, write_jobs, write_pictures
from bench.faces import Labelled, Points
from bench.programs import Program
from fkd.evaluation.metrics import nme

LEVELS = {**BOX_LEVELS, **PICTURE_LEVELS}


def pictures_at(axis: str, level: float, faces: list[Labelled]) -> list[Labelled]:
    """The faces with the degradation of one level, every program's the same."""
    if axis in BOX_LEVELS:
        return faces
    changed = []
    for i, face in enumerate(faces):
        if axis == TURN:
            turn = about_face(face.points, level)
            changed.append(Labelled(turned(face.image, turn), moved(face.points, turn)))
        else:
            rng = np.random.default_rng([i, round(1000 * level)])
            changed.append(replace(face, image=degraded(axis, level, face.image, face.points, rng)))
    return changed


def boxes_at(axis: str, level: float, faces: list[Labelled], boxes: list[Box]) -> list[Box]:
    """A program's own boxes of the unchanged faces, changed or turned along."""
    if axis == TURN:
        turns = [about_face(face.points, level) for face in faces]
        return [moved_box(box, turn) for box, turn in zip(boxes, turns, strict=True)]
    if axis not in BOX_LEVELS:
        return boxes
    return [changed_box(axis, level, box, np.random.default_rng(i)) for i, box in enumerate(boxes)]


def curves(
    faces: list[Labelled], boxes: dict[str, list[Box]], programs: dict[str, Program], folder: Path
) -> dict[str, dict[str, list[float]]]:
    """Mean NME (percent) by axis, then program, in the order of the axis' levels.

    boxes: of each program's own detector on the unchanged faces.
    """
    result: dict[str, dict[str, list[float]]] = {}
    for axis, levels in LEVELS.items():
        for level in levels:
            shown = pictures_at(axis, level, faces)
            names = write_pictures(folder, (face.image for face in shown))
            truth = np.array([face.points for face in shown])
            for name, program in programs.items():
                placed = boxes_at(axis, level, faces, boxes[name])
                write_jobs(folder, map(Job, names, placed))
                points = first_faces(program.answer(folder))
                value = round(float(nme(points, truth).mean()), 3)
                result.setdefault(axis, {}).setdefault(name, []).append(value)
    return result


def first_faces(found: list[Points]) -> Points:
    """The one face of each job that had a box: (N, 68, 2)."""
    return np.array([faces[0] for faces in found])


def as_lines(axis: str, of: dict[str, list[float]]) -> dict[str, tuple[list[float], list[float]]]:
    """Lines for a plot, levels in rising order."""
    order = np.argsort(LEVELS[axis])
    levels = [LEVELS[axis][i] for i in order]
    return {name: (levels, [values[i] for i in order]) for name, values in of.items()}
