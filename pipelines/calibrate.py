"""Stage calibrate: what the deviation of the heatmaps says, measured on the validation faces."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkd.datasets.readers import synthetic
from fkd.datasets.sample import BadDataset
from fkd.datasets.store import LabelledFace, load_faces
from fkd.evaluation.calibration import (
    CalibrateParams,
    Deviations,
    fit_calibration,
    negative_crops,
    rates,
)
from fkd.evaluation.metrics import point_errors
from fkd.evaluation.scoring import BATCH, annotated
from fkd.geometry.crop import CropSpec, crop_batch
from fkd.io.config import ConfigError, load_section
from fkd.synthetic.recipe import load_recipe
from fkd.training.backend import points_and_std
from fkd.training.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_calibration
from pipelines.stage import run_stage, write_json
from pipelines.tracking import Run, resumed_run

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
MODEL = Path("models/model.pt")
REPORT = Path("reports/calibrate")


def main() -> None:
    checkpoint = load_checkpoint(MODEL)
    with resumed_run(checkpoint.provenance["run"]) as run:
        calibrate(checkpoint, load_section(CalibrateParams, PARAMS, "calibrate"), run)


def calibrate(checkpoint: Checkpoint, params: CalibrateParams, run: Run) -> None:
    """Measure, fit and store; a network without heatmaps gets no calibration."""
    net, spec = checkpoint.build_network(), checkpoint.crop
    if not has_heatmaps(net, spec):
        save_calibration(None, MODEL)
        write_json(REPORT / "metrics.json", {})
        return
    faces = [face for face in load_faces(PREPARED / "val") if not in_profile(face)]
    scene = load_recipe(synthetic.FOLDER / synthetic.RECIPE).scene  # no faces in it
    measured = measure(net, spec, faces, negative_crops(faces, scene, spec, params))
    calibration, fallbacks = fit_calibration(measured, params)
    for fallback in fallbacks:
        print(f"calibrate: {fallback}", file=sys.stderr)
    figures = {key: round(value, 4) for key, value in rates(measured, calibration).items()}
    note = {"note": "; ".join(fallbacks)} if fallbacks else {}
    save_calibration(calibration, MODEL)
    write_json(REPORT / "metrics.json", {**figures, **note})
    run.metrics({f"calibrate/{key}": value for key, value in figures.items()})
    run.params(
        {f"confidence.{key}": value for key, value in {**asdict(calibration), **note}.items()}
    )


def in_profile(face: LabelledFace) -> bool:
    """Whether it is known to be turned so far that its heatmaps are as wide as those of crops
    without a face: a score that takes profiles for faces takes more of those too."""
    return face.truth is not None and face.truth.in_profile


def has_heatmaps(net: nn.Module, spec: CropSpec) -> bool:
    """Whether the network makes heatmaps, whose deviation tells how sure it is."""
    with torch.inference_mode():
        return net(torch.zeros(1, 1, spec.size, spec.size)).heatmaps is not None


def measure(
    net: nn.Module, spec: CropSpec, faces: Sequence[LabelledFace], negatives: NDArray[np.uint8]
) -> Deviations:
    """The network's errors and deviations on faces, in each of their boxes, and on negatives."""
    framed = [(face, face.reference_box) for face in faces]
    framed += [(face, face.detector_box) for face in faces if face.detector_box]
    crops = crop_batch(((face.grey, box) for face, box in framed), spec)
    points, std = points_and_std(net, batches(crops.pixels))
    true = annotated([face for face, _ in framed])
    return Deviations(
        errors=100 * point_errors(crops.to_photo(points), true),
        faces=std,
        negatives=points_and_std(net, batches(negatives))[1],
    )


def batches(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Crops in pieces that fit into memory."""
    return (pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH))


if __name__ == "__main__":
    run_stage("calibrate", main, BadDataset, CheckpointError, ConfigError)
