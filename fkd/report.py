"""Scores of a model on many faces, as the tables and pictures of a report."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.certainty import Answer, Network
from fkd.datasets.store import Face
from fkd.draw import arrows, curves, gallery, save_figure
from fkd.evaluate import Scores, predict, score, truth
from fkd.metrics import ced, eye_frame, nme, point_errors, rank_correlation
from fkd.preprocess import CropSpec, crop_face, to_crop

SOURCES = ("annotation", "detector")
WORST = 32
# A face is turned when the tip of its nose is this far from the middle of the eyes, in distances
# of the eyes' centres. Arrows of the bias picture are drawn MAGNIFIED times as long.
NOSE_TIP, TURNED, MAGNIFIED = 30, 0.12, 3.0


@dataclass(frozen=True)
class Result:
    """One set of faces in the boxes of one source.

    scored: over the faces that have such a box. mean_face: NME of the training set's mean face in
    the same boxes, where one is given. recall: share of faces that have a box, 0..1.
    end_to_end_failure: percent of all faces that are missed, not taken for faces, or worse than the
    threshold. nme: of each scored face, percent. answer: points in pixels of the cut-outs. kept:
    percent of the scored faces that the network takes for faces at the first look, None for one
    that does not say; `Predictor` looks twice at doubtful ones.
    """

    scored: Scores
    mean_face: float | None
    recall: float
    end_to_end_failure: float
    nme: NDArray[np.float64]
    faces: list[Face]
    answer: Answer
    kept: float | None

    def numbers(self) -> dict[str, float]:
        """The figures that go into metrics.json."""
        mean_face = {} if self.mean_face is None else {"mean_face_nme": round(self.mean_face, 2)}
        kept = {} if self.kept is None else {"kept": round(self.kept, 2)}
        return {
            "faces": self.scored.faces,
            "nme": round(self.scored.nme, 3),
            "median": round(self.scored.median, 3),
            "auc": round(self.scored.auc, 4),
            "failure_rate": round(self.scored.failure_rate, 2),
            **mean_face,
            **kept,
            **self._confidence_rank(),
            "recall": round(self.recall, 4),
            "end_to_end_failure": round(self.end_to_end_failure, 2),
        }

    def _confidence_rank(self) -> dict[str, float]:
        """How well low confidence tells where the error is large, 0..1."""
        if self.answer.confidence is None:
            return {}
        errors = point_errors(self.answer.points, truth(self.faces))
        return {"confidence_rank": round(-rank_correlation(self.answer.confidence, errors), 3)}


def results(
    faces: list[Face],
    network: Network,
    baseline: Network | None,
    spec: CropSpec,
    threshold: float,
    min_score: float | None = None,
) -> dict[str, Result]:
    """The result for each box source that has a box for at least one of the faces."""
    found: dict[str, Result] = {}
    for source in SOURCES:
        boxed = [f for f in faces if source == "annotation" or f.detector_box]
        if boxed:
            boxes = [f.annotation_box if source == "annotation" else f.box for f in boxed]
            answer = predict(boxed, boxes, network, spec)
            mean_face = None
            if baseline:
                guessed = predict(boxed, boxes, baseline, spec).points
                mean_face = float(nme(guessed, truth(boxed)).mean())
            found[source] = _result(boxed, len(faces), answer, mean_face, threshold, min_score)
    return found


def _result(
    faces: list[Face],
    total: int,
    answer: Answer,
    mean_face: float | None,
    threshold: float,
    min_score: float | None,
) -> Result:
    true = truth(faces)
    each = nme(answer.points, true)
    kept, seen = None, np.ones(len(faces), bool)
    if answer.score is not None and min_score is not None:
        seen = answer.score >= min_score
        kept = 100 * float(seen.mean())
    return Result(
        scored=score(answer.points, true, threshold),
        mean_face=mean_face,
        recall=len(faces) / total,
        end_to_end_failure=100 * (total - int(((each <= threshold) & seen).sum())) / total,
        nme=each,
        faces=faces,
        answer=answer,
        kept=kept,
    )


def write_report(
    by_set: Mapping[str, Mapping[str, Result]], spec: CropSpec, threshold: float, folder: Path
) -> None:
    """Tables (CSV) and pictures (PNG) of the results, by set and box source, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(f"{name}, {source}", r) for name, of in by_set.items() for source, r in of.items()]
    _write_regions(pairs, folder / "regions.csv")
    grid = np.linspace(0, 1.5 * threshold, 121)
    lines = {f"{label}: {r.scored.nme:.2f} %": (grid, ced(r.nme, grid)) for label, r in pairs}
    figure = curves(lines, "NME, % of the outer eye distance", "share of faces", "Error curves")
    save_figure(figure, folder / "ced.png")
    _write_ced(lines, folder / "ced.csv")
    shown = [of.get("detector") or of["annotation"] for of in by_set.values()]
    _write_confidence(pairs, folder)
    _draw_bias(dict(zip(by_set, shown, strict=True)), folder / "bias.png")
    _draw_faces(shown, spec, folder / "gallery.png", worst=False)
    _draw_faces(shown, spec, folder / "worst.png", worst=True)


def _write_regions(pairs: list[tuple[str, Result]], path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["set", "nme", *pairs[0][1].scored.regions])
        for label, result in pairs:
            regions = [round(value, 3) for value in result.scored.regions.values()]
            rows.writerow([label, round(result.scored.nme, 3), *regions])


def _write_ced(lines: Mapping[str, tuple[NDArray, NDArray]], path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["set", "nme", "share"])
        for label, (xs, ys) in lines.items():
            name = label.split(":")[0]
            rows.writerows([name, round(x, 2), round(y, 4)] for x, y in zip(xs, ys, strict=True))


def _write_confidence(pairs: list[tuple[str, Result]], folder: Path) -> None:
    """By tenth of the confidence: how sure the network was, and how far off its points are."""
    lines: dict[str, tuple[Any, Any]] = {}
    with (folder / "confidence.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["set", "tenth", "confidence", "mean_error", "median_error"])
        for label, result in pairs:
            if result.answer.confidence is None:
                continue
            sure = result.answer.confidence.ravel()
            errors = 100 * point_errors(result.answer.points, truth(result.faces)).ravel()
            tenths = np.array_split(np.argsort(sure), 10)
            means = [(sure[t].mean(), errors[t].mean(), np.median(errors[t])) for t in tenths]
            for number, row in enumerate(means, start=1):
                rows.writerow([label, number, *(round(float(value), 4) for value in row)])
            lines[label] = ([row[0] for row in means], [row[1] for row in means])
    if not lines:
        lines["this network does not say how sure it is"] = ([0, 1], [0, 0])
    figure = curves(lines, "confidence, by tenths", "mean error, % of the outer eye distance")
    save_figure(figure, folder / "confidence.png")


def _draw_bias(shown: Mapping[str, Result], path: Path) -> None:
    """Median of prediction minus truth in the eyes' frame, by where the nose points."""
    panels = {}
    for name, result in shown.items():
        true = truth(result.faces)
        places, errors = eye_frame(true), eye_frame(result.answer.points, true) - eye_frame(true)
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
            predicted.append(to_crop(result.answer.points[i], crop.transform))
            titles.append(f"{face.subset} {result.nme[i]:.1f} %")
    save_figure(gallery(pictures, true, predicted, titles), path)
