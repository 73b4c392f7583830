"""The report on a detector: figures and pictures of what it finds in some sets of pictures."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fkd.datasets.scenes.compose import Scene
from fkd.evaluation.detection import Found, Scored, match
from fkd.evaluation.detector_figures import precision_recall, recall_by, worst_gallery
from fkd.evaluation.figures import save_figure
from fkd.geometry.roll import roll_of
from fkd.io.config import Section

# False detections for a picture at which recall is told.
FALSE_RATES = (0.01, 0.05, 0.1)
# Edges of the classes that recall is told by: sides in pixels, angles in degrees.
CLASSES = {
    "side": (8, 12, 16, 24, 32, 48, 64, 96, 128, 256),
    "yaw": (0, 15, 30, 45, 60, 75, 95),
    "roll": (0, 20, 45, 90, 135, 180),
}
AT_FALSE_RATE = 0.05
WORST = 24


class EvaluateDetectorParams(Section):
    """How a detector is scored."""

    scenes: Annotated[
        int,
        Field(ge=1, description="Scenes of held-out heads, for the threshold and for the test."),
    ]
    seed: Annotated[int, Field(ge=0, description="Of these scenes.")]
    false_boxes: Annotated[
        float,
        Field(
            gt=0,
            description="Per scene, at the detector's threshold: the landmark model's face score "
            "drops most of them.",
        ),
    ]
    photos: Annotated[
        str,
        Field(
            description="Folder of folders, each a set of photos with `.pts` files or a "
            "`boxes.csv`; `data/synthetic` has none."
        ),
    ]


def figures(scored: Scored) -> dict[str, float]:
    """Pictures, faces, average precision and recall in percent."""
    of = scored.curve
    return {
        "pictures": len(scored.labels),
        "faces": sum(map(len, scored.labels)),
        "average_precision": round(100 * of.average_precision, 2),
        **{f"recall_at_{rate:g}": round(100 * of.recall_at(rate), 2) for rate in FALSE_RATES},
    }


def recall_of_classes(scenes: Sequence[Scene], scored: Scored) -> dict[str, list[float]]:
    """Recall, percent, at `AT_FALSE_RATE` for the classes of side, yaw and roll; NaN where a class
    has no face."""
    threshold = scored.curve.threshold_at(AT_FALSE_RATE)
    pairs = zip(scored.found, scored.labels, strict=True)
    hit = np.concatenate([match(found, faces).scores >= threshold for found, faces in pairs])
    certain = np.concatenate([scene.certain for scene in scenes])
    five = np.concatenate([scene.five for scene in scenes])[certain]
    values = {
        "side": np.concatenate([scene.faces[:, 2] for scene in scenes])[certain],
        "yaw": np.abs(np.concatenate([scene.yaws for scene in scenes]))[certain],
        "roll": np.abs([roll_of(one) for one in five]),
    }
    return {
        name: [
            100 * float(hit[(of >= low) & (of < high)].mean())
            if ((of >= low) & (of < high)).any()
            else float("nan")
            for low, high in pairwise(CLASSES[name])
        ]
        for name, of in values.items()
    }


def write_figures(
    by_set: Mapping[str, Scored], classes: Mapping[str, Sequence[float]], folder: Path
) -> None:
    """The precision over the recall, the recall of classes, and for each set the pictures with the
    worst errors. Raises OSError."""
    curves = {name: scored.curve for name, scored in by_set.items()}
    save_figure(precision_recall(curves), folder / "precision_recall.png")
    save_figure(recall_by(CLASSES, classes), folder / "recall.png")
    for name, scored in by_set.items():
        threshold = curves[name].threshold_at(AT_FALSE_RATE)
        worst = sorted(range(len(scored.labels)), key=lambda i: -_errors(scored, i, threshold))
        shown = worst[:WORST]
        figure = worst_gallery(
            [scored.pictures[i] for i in shown],
            [scored.labels[i] for i in shown],
            [scored.found[i].squares[scored.found[i].scores >= threshold] for i in shown],
        )
        save_figure(figure, folder / f"worst_{name}.png")


def _errors(scored: Scored, i: int, threshold: float) -> int:
    """Missed faces and false detections of a picture at a threshold."""
    found = scored.found[i]
    kept = found.scores >= threshold
    right, scores = match(Found(found.scores[kept], found.squares[kept]), scored.labels[i])
    return int((scores == 0).sum() + (~right).sum())
