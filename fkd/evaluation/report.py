"""Scores of a model on many faces, as the tables and pictures of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.store import LabelledFace
from fkd.evaluation.figures import arrows, curves, gallery, save_figure
from fkd.evaluation.metrics import Floats, ced, nme, point_errors, rank_correlation
from fkd.evaluation.scoring import Scores, annotated, predict, score
from fkd.evaluation.view import view_figures
from fkd.geometry import Box
from fkd.geometry.alignment import eye_frame
from fkd.geometry.crop import CropSpec, crop_face, to_crop
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from fkd.models.output import Model, ModelOutput

WORST = 32
# A face is turned when the tip of its nose is this far from the middle of the eyes, in distances
# of the eyes' centres. Arrows of the bias picture are drawn MAGNIFIED times as long.
NOSE_TIP, TURNED, MAGNIFIED = 30, 0.12, 3.0


@dataclass(frozen=True)
class Result:
    """One set of faces in the boxes of one source.

    scored: over the faces that have such a box. mean_shape_nme: percent, of the mean-shape baseline
    in the same boxes, where one is given. recall: share of faces that have a box, 0..1. nme: of
    each scored face, percent. output: points in pixels of the faces' pictures. true_positive_rate:
    percent of the scored faces whose score reaches the threshold, None for a model without scores;
    `Predictor` refines those of a low score.
    """

    scored: Scores
    mean_shape_nme: float | None
    recall: float
    nme: Floats
    faces: Sequence[LabelledFace]
    output: ModelOutput
    true_positive_rate: float | None

    def figures(self) -> dict[str, float]:
        """The figures that go into metrics.json."""
        optional = {
            "mean_shape_nme": (self.mean_shape_nme, 2),
            "true_positive_rate": (self.true_positive_rate, 2),
            "confidence_rank": (self._confidence_rank(), 3),
        }
        return {
            "faces": self.scored.faces,
            "nme": round(self.scored.nme, 3),
            "median": round(self.scored.median, 3),
            "auc": round(self.scored.auc, 4),
            "failure_rate": round(self.scored.failure_rate, 2),
            **{key: round(value, n) for key, (value, n) in optional.items() if value is not None},
            **view_figures(self.faces, self.output),
            "recall": round(self.recall, 4),
        }

    def _confidence_rank(self) -> float | None:
        """How well low confidence tells where the error is large, 0..1."""
        if self.output.confidence is None:
            return None
        errors = point_errors(self.output.points, annotated(self.faces))
        return -rank_correlation(self.output.confidence, errors)


def results(
    faces: Sequence[LabelledFace],
    model: Model,
    baseline: Model | None,
    spec: CropSpec,
    threshold: float,
    min_score: float | None = None,
) -> dict[str, Result]:
    """The result for each box source that has a box for at least one of the faces."""
    boxed: dict[str, tuple[Sequence[LabelledFace], list[Box]]] = {
        "annotation": (faces, [face.reference_box for face in faces]),
        "detector": (
            [face for face in faces if face.detector_box],
            [face.detector_box for face in faces if face.detector_box],
        ),
    }
    found: dict[str, Result] = {}
    for source, (members, boxes) in boxed.items():
        if not members:
            continue
        output, true = predict(members, boxes, model, spec), annotated(members)
        mean_shape_nme = None
        if baseline:
            guessed = predict(members, boxes, baseline, spec).points
            mean_shape_nme = float(nme(guessed, true).mean())
        found[source] = Result(
            scored=score(output.points, true, threshold),
            mean_shape_nme=mean_shape_nme,
            recall=len(members) / len(faces),
            nme=nme(output.points, true),
            faces=members,
            output=output,
            true_positive_rate=_true_positive_rate(output, min_score),
        )
    return found


def _true_positive_rate(output: ModelOutput, min_score: float | None) -> float | None:
    if output.score is None or min_score is None:
        return None
    return 100 * float((output.score >= min_score).mean())


def write_report(
    by_set: Mapping[str, Mapping[str, Result]], spec: CropSpec, threshold: float, folder: Path
) -> None:
    """Tables (CSV) and pictures (PNG) of the results, by set and box source, into a folder."""
    pairs = [(f"{name}, {source}", r) for name, of in by_set.items() for source, r in of.items()]
    _write_regions(pairs, folder / "regions.csv")
    grid = np.linspace(0, 1.5 * threshold, 121)
    lines = {f"{label}: {r.scored.nme:.2f} %": (grid, ced(r.nme, grid)) for label, r in pairs}
    figure = curves(lines, "NME, % of the outer eye distance", "fraction of faces", "Error curves")
    save_figure(figure, folder / "ced.png")
    _write_ced(lines, folder / "ced.csv")
    shown = [of.get("detector") or of["annotation"] for of in by_set.values()]
    _write_confidence(pairs, folder)
    _draw_bias(dict(zip(by_set, shown, strict=True)), folder / "bias.png")
    _draw_faces(shown, spec, folder / "gallery.png", worst=False)
    _draw_faces(shown, spec, folder / "worst.png", worst=True)


def _write_regions(pairs: list[tuple[str, Result]], path: Path) -> None:
    rows: list[list[object]] = [["set", "nme", *pairs[0][1].scored.regions]]
    for label, result in pairs:
        regions = [round(value, 3) for value in result.scored.regions.values()]
        rows.append([label, round(result.scored.nme, 3), *regions])
    write_whole(path, csv_table(rows))


def _write_ced(lines: Mapping[str, tuple[NDArray, NDArray]], path: Path) -> None:
    rows: list[list[object]] = [["set", "nme", "fraction"]]
    for label, (xs, ys) in lines.items():
        name = label.split(":")[0]
        rows += [[name, round(x, 2), round(y, 4)] for x, y in zip(xs, ys, strict=True)]
    write_whole(path, csv_table(rows))


def _write_confidence(pairs: list[tuple[str, Result]], folder: Path) -> None:
    """By tenth of the confidence: its mean, and how far off the points are."""
    lines: dict[str, tuple[Any, Any]] = {}
    rows: list[list[object]] = [["set", "tenth", "confidence", "mean_error", "median_error"]]
    for label, result in pairs:
        if result.output.confidence is None:
            continue
        confidence = result.output.confidence.ravel()
        errors = 100 * point_errors(result.output.points, annotated(result.faces)).ravel()
        tenths = np.array_split(np.argsort(confidence), 10)
        means = [(confidence[t].mean(), errors[t].mean(), np.median(errors[t])) for t in tenths]
        for number, row in enumerate(means, start=1):
            rows.append([label, number, *(round(float(value), 4) for value in row)])
        lines[label] = ([row[0] for row in means], [row[1] for row in means])
    write_whole(folder / "confidence.csv", csv_table(rows))
    if not lines:
        lines["a network without confidence"] = ([0, 1], [0, 0])
    figure = curves(lines, "confidence, by tenths", "mean error, % of the outer eye distance")
    save_figure(figure, folder / "confidence.png")


def _draw_bias(shown: Mapping[str, Result], path: Path) -> None:
    """Median of prediction minus truth in the eyes' frame, by where the nose points."""
    panels = {}
    for name, result in shown.items():
        true = annotated(result.faces)
        places, errors = eye_frame(true), eye_frame(result.output.points, true) - eye_frame(true)
        nose = places[:, NOSE_TIP, 0]
        for side, chosen in (
            ("to the left", nose < -TURNED),
            ("ahead", np.abs(nose) <= TURNED),
            ("to the right", nose > TURNED),
        ):
            if chosen.any():
                mean, bias = places[chosen].mean(axis=0), np.median(errors[chosen], axis=0)
                panels[f"{name}, {side} ({chosen.sum()})"] = (mean, mean + bias)
    save_figure(arrows(panels, MAGNIFIED), path)


def _draw_faces(shown: list[Result], spec: CropSpec, path: Path, worst: bool) -> None:
    """Crops with both sets of points: evenly picked from each set, or those with most error."""
    pictures, true, predicted, titles = [], [], [], []
    per_set = max(8, WORST // max(len(shown), 1) // 8 * 8)
    for result in shown:
        count = min(per_set, len(result.faces))
        even = np.linspace(0, len(result.faces) - 1, count).astype(int)
        for i in np.argsort(-result.nme)[:count] if worst else even:
            face = result.faces[i]
            crop = crop_face(face.grey, face.box, spec)
            pictures.append(crop.pixels)
            true.append(to_crop(face.points, crop.transform))
            predicted.append(to_crop(result.output.points[i], crop.transform))
            titles.append(f"{face.subset} {result.nme[i]:.1f} %")
    save_figure(gallery(pictures, true, predicted, titles), path)
