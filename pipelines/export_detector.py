"""Stage export_detector: the detector as one ONNX file, compared with torch, logged, registered."""

import json
from dataclasses import asdict
from pathlib import Path

from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.compose import compose_many
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import load_materials
from fkd.io.config import ConfigError, load_section
from fkd.models.detector import DetectorInfo, open_detector
from fkd.models.metadata import ModelError
from fkd.training.checkpoint import CheckpointError
from fkd.training.detector.checkpoint import DetectorCheckpoint, load_detector
from fkd.training.detector.export import (
    ExportDetectorParams,
    detector_parity,
    export_detector,
    torch_detector,
)
from pipelines.lineage import licensed
from pipelines.stage import run_stage
from pipelines.tracking import Run, record_export, resumed_run
from pipelines.tracking.registry import REGISTERED_DETECTOR

PARAMS = Path("params.yaml")
PREPARED = Path("data/scenes")
CHECKPOINT = Path("models/detector.pt")
MODEL = Path("models/detector.onnx")
SCORES = Path("reports/evaluate_detector/metrics.json")
REPORT = Path("reports/export_detector")
COMPARED, SEED = 20, 0


def main() -> None:
    checkpoint = load_detector(CHECKPOINT)
    with resumed_run(checkpoint.provenance["run"]) as run:
        export(checkpoint, run)


def export(checkpoint: DetectorCheckpoint, run: Run) -> None:
    """Write the file, compare it with torch, log and register it."""
    params = load_section(ExportDetectorParams, PARAMS, "export_detector")
    scenes = load_section(SceneParams, PARAMS, "scenes")
    evaluated = json.loads(SCORES.read_text())
    provenance = licensed(checkpoint.provenance)
    info = DetectorInfo(provenance, evaluated["sets"], evaluated["min_score"])
    network = checkpoint.build_network()
    export_detector(network, info, MODEL)
    shown = compose_many(load_materials(PREPARED / "test"), scenes, COMPARED, SEED)
    served = open_detector(MODEL)[0]
    compared = detector_parity(torch_detector(network), served, [scene.grey for scene in shown])
    passed = compared.max_abs_diff <= params.tolerance
    figures = {**asdict(compared), "passed": passed}
    record_export(run, MODEL, REGISTERED_DETECTOR, figures, REPORT)
    if not passed:
        raise SystemExit(
            f"export_detector: torch and ONNX differ by {compared.max_abs_diff:.2e}; "
            f"export_detector.tolerance is {params.tolerance}"
        )


if __name__ == "__main__":
    run_stage("export_detector", main, BadDataset, CheckpointError, ConfigError, ModelError)
