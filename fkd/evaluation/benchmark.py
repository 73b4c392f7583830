"""`fkd score`: an exported model on labelled data, outside the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected, prepare_faces, split_samples
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset
from fkd.datasets.split import TEST_PARTS
from fkd.datasets.store import LabelledFace
from fkd.detection.detections import Detector, match_detection
from fkd.evaluation.end_to_end import end_to_end
from fkd.evaluation.report import Result, results
from fkd.models.metadata import ModelInfo
from fkd.models.output import Model

OFFICIAL_SUFFIX = "-official"

# Figures by set, then by "annotation", "detector" (boxes) and "end_to_end", then by name.
Figures = dict[str, dict[str, dict[str, float]]]


def set_name(subset: str, part: str) -> str:
    """The name of a test face's set: new people under the subset's name, official test faces of
    people that training sees under `<subset>-official`."""
    return subset + (OFFICIAL_SUFFIX if part == "official" else "")


def test_faces(
    root: Path, prepare: PrepareParams, everyone: bool = False
) -> tuple[dict[str, list[LabelledFace]], list[Rejected]]:
    """Faces to score on under a root, by name of the set (`set_name`), and those left out.

    everyone: all faces, in one set a subset. Raises BadDataset.
    """
    named: dict[str, list[LabelledFace]] = {}
    rejected: list[Rejected] = []
    for part, samples in split_samples(read_root(root), prepare).items():
        if not everyone and part not in TEST_PARTS:
            continue
        for face in prepare_faces(samples, prepare, whole_photo=True):
            if isinstance(face, Rejected):
                rejected.append(face)
            else:
                name = face.subset if everyone else set_name(face.subset, part)
                named.setdefault(name, []).append(face)
    return dict(sorted(named.items())), rejected


def set_figures(
    faces: Sequence[LabelledFace],
    by_source: Mapping[str, Result],
    model: Model,
    info: ModelInfo,
    threshold: float,
    detector: Detector,
) -> dict[str, dict[str, float]]:
    """The figures of one set: those of its results by box source, and end to end."""
    searched = end_to_end(faces, model, info.crop, info.min_score, threshold, detector)
    figures = {source: result.figures() for source, result in by_source.items()}
    return {**figures, "end_to_end": searched.figures()}


def score_model(
    root: Path,
    model: Model,
    info: ModelInfo,
    prepare: PrepareParams,
    threshold: float,
    detector: Detector,
    everyone: bool = False,
) -> tuple[Figures, list[Rejected]]:
    """A model's figures on the data under a root, in boxes of a detector too, and the faces left
    out. threshold: NME in percent. Raises BadDataset."""
    sets, rejected = test_faces(root, prepare, everyone)
    if not sets and rejected:
        raise BadDataset(f"{root}: no usable face; {left_out(rejected)}")
    if not sets:
        raise BadDataset(f"{root}: no test faces; --all scores all")
    figures: Figures = {}
    for name, of_set in sets.items():
        faces = [in_boxes_of(detector, face) for face in of_set]
        by_source = results(faces, model, None, info.crop, threshold, info.min_score)
        figures[name] = set_figures(faces, by_source, model, info, threshold, detector)
    return figures, rejected


def in_boxes_of(detector: Detector, face: LabelledFace) -> LabelledFace:
    """The face with this detector's box, None where it misses the face."""
    found = detector.search(np.asarray(face.grey), None).detections
    framing = match_detection(found, face.reference_box)
    return replace(face, detector_box=framing.box if framing else None)


def left_out(rejected: Sequence[Rejected]) -> str:
    """How many faces were left out, and why the first of them."""
    count = "1 face is" if len(rejected) == 1 else f"{len(rejected)} faces are"
    first = rejected[0]
    return f"{count} left out, the first is {first.subset}/{first.name} ({first.reason})"


def table(figures: Figures) -> str:
    """The figures as aligned lines of text."""
    keys = ("nme", "median", "auc", "failure_rate", "recall")
    rows = [["set", "boxes", "faces", "NME %", "median", "AUC", "FR %", "recall"]]
    for name, sources in figures.items():
        for source, of in sources.items():
            values = [f"{of[key]:.3f}" if key in of else "-" for key in keys]
            rows.append([name, source.replace("_", " "), f"{of['faces']:.0f}", *values])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
