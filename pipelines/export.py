"""Stage export: the network as one ONNX file, compared with torch, logged and registered."""

import json
from dataclasses import asdict
from pathlib import Path

from fkd.datasets.sample import BadDataset
from fkd.datasets.store import load_faces
from fkd.evaluation.scoring import face_crops
from fkd.evaluation.validation import validation_histograms
from fkd.io.config import ConfigError, load_section
from fkd.models.metadata import ModelInfo
from fkd.models.session import open_onnx
from fkd.training.backend import torch_model
from fkd.training.checkpoint import Checkpoint, CheckpointError, load_calibration, load_checkpoint
from fkd.training.export import ExportParams, export_onnx
from fkd.training.parity import parity
from pipelines.lineage import licensed
from pipelines.stage import run_stage
from pipelines.tracking import Run, record_export, resumed_run
from pipelines.tracking.registry import REGISTERED

PARAMS = Path("params.yaml")
CHECKPOINT = Path("models/model.pt")
MODEL = Path("models/model.onnx")
PREPARED = Path("data/prepared")
SCORES = Path("reports/evaluate/metrics.json")
REPORT = Path("reports/export")
COMPARED = 200


def main() -> None:
    checkpoint = load_checkpoint(CHECKPOINT)
    with resumed_run(checkpoint.provenance["run"]) as run:
        export(checkpoint, run)


def export(checkpoint: Checkpoint, run: Run) -> None:
    """Write the file, compare it with torch, log and register it."""
    params = load_section(ExportParams, PARAMS, "export")
    scores = {name: of for name, of in json.loads(SCORES.read_text()).items() if name != "val"}
    provenance = licensed(checkpoint.provenance)
    calibration = load_calibration(CHECKPOINT)
    min_score = calibration.min_score if calibration else None
    served, val = torch_model(checkpoint.build_network(), calibration), load_faces(PREPARED / "val")
    histograms = validation_histograms(val, served, checkpoint.crop, min_score)
    info = ModelInfo(checkpoint.crop, checkpoint.network, provenance, scores, min_score, histograms)
    export_onnx(checkpoint, calibration, info, MODEL)
    faces = load_faces(PREPARED / "test")[:COMPARED] or val[:COMPARED]
    compared = parity(served, open_onnx(MODEL)[0], face_crops(faces, checkpoint.crop))
    passed = compared.passed(**params.model_dump())
    record_export(run, MODEL, REGISTERED, {**asdict(compared), "passed": passed}, REPORT)
    if not passed:
        raise SystemExit(
            f"export: torch and ONNX differ by {compared.max_abs_diff_px:.4f} px, "
            f"{compared.max_abs_diff_probability:.2e} in probability and "
            f"{compared.max_abs_diff_degrees:.4f} degrees; export allows {params.tolerance_px}, "
            f"{params.tolerance_probability} and {params.tolerance_degrees}"
        )


if __name__ == "__main__":
    run_stage("export", main, BadDataset, CheckpointError, ConfigError)
