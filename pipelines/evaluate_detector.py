"""Stage evaluate_detector: score the detector on scenes it has not seen, and on labelled photos."""

from pathlib import Path

from fkd.datasets.labelled_pictures import picture_sets, read_pictures
from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.compose import compose_many
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import load_materials
from fkd.detection.neural import DEFAULT_SIDE, find
from fkd.evaluation.detection import LOWEST_SCORE, Found, Scored, score_pictures, score_scenes
from fkd.evaluation.detector_report import (
    EvaluateDetectorParams,
    figures,
    recall_of_classes,
    write_figures,
)
from fkd.geometry import Image
from fkd.io.config import ConfigError, flatten, load_section, read_yaml
from fkd.io.images import ImageError
from fkd.models.detector import DetectorNetwork
from fkd.training.checkpoint import CheckpointError
from fkd.training.detector.checkpoint import load_detector
from fkd.training.detector.export import torch_detector
from pipelines.stage import run_stage, write_json
from pipelines.tracking import Run, resumed_run

PARAMS = Path("params.yaml")
PREPARED = Path("data/scenes")
MODEL = Path("models/detector.pt")
REPORT = Path("reports/evaluate_detector")
# The threshold of a network that has learned nothing.
HIGHEST_SCORE = 0.99


def main() -> None:
    checkpoint = load_detector(MODEL)
    with resumed_run(checkpoint.provenance["run"]) as run:
        evaluate(torch_detector(checkpoint.build_network()), run)


def evaluate(network: DetectorNetwork, run: Run) -> None:
    """Choose the threshold on the scenes of validation, score on those of the test and on photos,
    and store the report."""
    params = load_section(EvaluateDetectorParams, PARAMS, "evaluate_detector")
    scenes = load_section(SceneParams, PARAMS, "scenes")

    def find_at_size(grey: Image) -> Found:
        return found(network, grey, 1.0)

    def find_in_photo(grey: Image) -> Found:
        return found(network, grey, DEFAULT_SIDE / max(grey.shape))

    val, test = (
        compose_many(load_materials(PREPARED / part), scenes, params.scenes, params.seed)
        for part in ("val", "test")
    )
    chosen_on = score_scenes(find_at_size, val).curve
    by_set: dict[str, Scored] = {"scenes": score_scenes(find_at_size, test)}
    classes = recall_of_classes(test, by_set["scenes"])
    for name, folder in picture_sets(Path(params.photos)).items():
        by_set[name] = score_pictures(find_in_photo, list(read_pictures(folder)))
    write_figures(by_set, classes, REPORT)
    scores = {name: figures(scored) for name, scored in by_set.items()}
    min_score = round(min(chosen_on.threshold_at(params.false_boxes), HIGHEST_SCORE), 4)
    write_json(REPORT / "metrics.json", {"min_score": min_score, "sets": scores})
    run.params(flatten(read_yaml(PARAMS)))
    run.metrics({f"test/{name}/{key}": v for name, of in scores.items() for key, v in of.items()})
    run.metrics({"evaluate/min_score": min_score})
    run.files(sorted(path for path in REPORT.iterdir() if path.name != ".gitignore"), "evaluate")


def found(network: DetectorNetwork, grey: Image, zoom: float) -> Found:
    """What the detector finds in a picture at one size."""
    candidates = find(network, grey, LOWEST_SCORE, zoom)
    return Found(candidates.scores, candidates.faces)


if __name__ == "__main__":
    run_stage("evaluate_detector", main, BadDataset, CheckpointError, ConfigError, ImageError)
