"""Stage calibrate: what the spread of the network's maps says, on the validation faces."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fkd.calibrate import Spreads, false_crops, fit_certainty, rates
from fkd.datasets import drawn
from fkd.datasets.store import Face, load_faces
from fkd.evaluate import crops, predict, truth
from fkd.metrics import point_errors
from fkd.params import ParamsError, load_params
from fkd.preprocess import CropSpec
from fkd.synthetic.recipe import load_recipe
from fkd.tracking import resumed_run
from fkd.training.answers import spreads, torch_network
from fkd.training.checkpoint import CheckpointError, load_checkpoint, save_certainty

PREPARED = Path("data/prepared")
MODEL = Path("models/model.pt")
RUN = Path("models/run.json")
REPORT = Path("reports/calibrate")


def main() -> None:
    params = load_params()
    checkpoint = load_checkpoint(MODEL)
    net, spec = checkpoint.network(), checkpoint.crop
    REPORT.mkdir(parents=True, exist_ok=True)
    certainty, stored = None, {}
    if has_maps(net, spec):
        faces = load_faces(PREPARED / "val")
        scene = load_recipe(drawn.FOLDER / drawn.RECIPE).scene  # no faces in it
        measured = measure(net, spec, faces, false_crops(faces, scene, spec, params.calibrate.seed))
        certainty = fit_certainty(measured, params.calibrate)
        stored = {key: round(value, 4) for key, value in rates(measured, certainty).items()}
    save_certainty(certainty, MODEL)
    (REPORT / "metrics.json").write_text(json.dumps(stored, indent=2) + "\n")
    with resumed_run(json.loads(RUN.read_text())["run"]) as run:
        run.metrics({f"calibrate.{key}": value for key, value in stored.items()})
        if certainty:
            run.params({f"certainty.{key}": value for key, value in asdict(certainty).items()})


def has_maps(net: nn.Module, spec: CropSpec) -> bool:
    """Whether the network makes maps, whose spread tells how sure it is."""
    with torch.inference_mode():
        return net(torch.zeros(1, 1, spec.size, spec.size)).maps is not None


def measure(net: nn.Module, spec: CropSpec, faces: list[Face], others: np.ndarray) -> Spreads:
    """The network's errors and spreads on the faces, in each of their boxes, and on other crops."""
    framed = [(face, face.annotation_box) for face in faces]
    framed += [(face, face.detector_box) for face in faces if face.detector_box]
    members, boxes = [face for face, _ in framed], [box for _, box in framed]
    predicted = predict(members, boxes, torch_network(net), spec)
    return Spreads(
        errors=100 * point_errors(predicted.points, truth(members)),
        faces=spreads(net, crops(members, boxes, spec)),
        others=spreads(net, others),
    )


if __name__ == "__main__":
    try:
        main()
    except (CheckpointError, ParamsError) as error:
        sys.exit(f"calibrate: {error}")
