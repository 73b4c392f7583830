"""Stage evaluate: score the network on faces it has not seen, and picture what comes out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from fkd.datasets.sample import BadDataset
from fkd.datasets.split import TEST_PARTS
from fkd.datasets.store import LabelledFace, load_faces, subsets_of
from fkd.detection.haar import open_haar
from fkd.evaluation.benchmark import Figures, set_figures, set_name
from fkd.evaluation.figures import feature_maps, save_figure
from fkd.evaluation.groups import Group, groups, largest_gap, write_groups
from fkd.evaluation.report import Result, results, write_report
from fkd.evaluation.scoring import EvaluateParams, constant_model, mean_shape, validation_nme
from fkd.geometry.crop import crop_face
from fkd.io.config import ConfigError, flatten, load_section, read_yaml
from fkd.models.metadata import ModelError, ModelInfo
from fkd.models.output import Model, concatenate
from fkd.training.backend import open_checkpoint
from fkd.training.checkpoint import load_checkpoint
from pipelines.stage import run_stage, write_json
from pipelines.tracking import Run, resumed_run
from pipelines.tracking.data_sets import TESTING, DataSet, data_set
from pipelines.tracking.description import RESULT, scores_table

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
MODEL = Path("models/model.pt")
REPORT = Path("reports/evaluate")
MEAN_OF = 2000  # training faces whose points make the mean-shape baseline


class RightPoints(BaseModel):
    """The one key of the section `calibrate` that is read here: which points count as right."""

    model_config = ConfigDict(frozen=True)
    error_threshold: float


def main() -> None:
    model, info = open_checkpoint(MODEL)
    with resumed_run(info.provenance["run"]) as run:
        evaluate(model, info, load_section(EvaluateParams, PARAMS, "evaluate").nme_threshold, run)


def evaluate(model: Model, info: ModelInfo, threshold: float, run: Run) -> None:
    """Score the network on every test set, beside the mean-shape baseline, and store the report."""
    spec = info.crop
    train = load_faces(PREPARED / "train")
    some = np.linspace(0, len(train) - 1, min(len(train), MEAN_OF)).astype(int)
    baseline = constant_model(mean_shape(train.take(some), spec))
    sets = test_sets()
    if not sets:
        raise BadDataset("no test faces: raise prepare.test_fraction or name data.test_root")
    by_set = {
        name: results(faces, model, baseline, spec, threshold, info.min_score)
        for name, faces in sets.items()
    }
    write_report(by_set, spec, threshold, REPORT)
    found = by_kind(by_set, threshold)
    write_groups(found, REPORT)
    draw_feature_maps(next(iter(sets.values()))[0])
    figures: Figures = {
        name: set_figures(faces, by_set[name], model, info, threshold, open_haar())
        for name, faces in sets.items()
    }
    val = validation_nme(load_faces(PREPARED / "val"), model, spec)
    stored = {"val": {"nme": round(val, 4)}, **figures}
    write_json(REPORT / "metrics.json", stored)
    run.params(flatten(read_yaml(PARAMS)))
    run.inputs(read_sets(info.provenance.get("data_fingerprint", "")))
    run.describe(RESULT, scores_table(figures))
    log(run, figures, found)


def by_kind(by_set: Mapping[str, Mapping[str, Result]], threshold: float) -> list[Group]:
    """Errors of all synthetic test faces, in their reference boxes, by what is known of them; says
    where the largest gap between people is."""
    right = load_section(RightPoints, PARAMS, "calibrate").error_threshold
    pairs = [of["annotation"] for of in by_set.values()]
    faces = [face for result in pairs for face in result.faces]
    found = groups(faces, concatenate([result.output for result in pairs]), threshold, right)
    if gap := largest_gap(found):
        print(f"synthetic test faces: {gap}")
    return found


def test_sets() -> dict[str, Sequence[LabelledFace]]:
    """The prepared test faces by name of their set."""
    named: dict[str, Sequence[LabelledFace]] = {}
    for part in TEST_PARTS:
        faces = load_faces(PREPARED / part)
        of_subset = faces.columns["subsets"]
        for subset in {*of_subset.tolist()}:
            named[set_name(subset, part)] = faces.take(np.flatnonzero(of_subset == subset))
    return dict(sorted(named.items()))


def read_sets(fingerprint: str) -> list[DataSet]:
    """The folders of test faces, for the run; their digest is the fingerprint of the training's
    where DVC does not say it."""
    parts = {PREPARED / part: load_faces(PREPARED / part) for part in TEST_PARTS}
    return [
        data_set(folder, TESTING, subsets_of(faces), fingerprint)
        for folder, faces in parts.items()
        if faces
    ]


def draw_feature_maps(face: LabelledFace) -> None:
    """The feature maps of the network's first two layers for one face."""
    checkpoint = load_checkpoint(MODEL)
    crop = crop_face(face.grey, face.box, checkpoint.crop)
    pixels = torch.from_numpy(crop.pixels)[None, None].float()
    with torch.inference_mode():
        layers = checkpoint.build_network().feature_maps(pixels)  # type: ignore[operator]
    maps = [layer[0].numpy() for layer in layers]
    save_figure(feature_maps(crop.pixels, maps), REPORT / "feature_maps.png")


def log(run: Run, figures: Figures, found: Sequence[Group]) -> None:
    """The same numbers and pictures to MLflow."""
    run.metrics({f"groups/{group.kind}/{group.name}/nme": group.nme for group in found})
    run.metrics(
        {
            f"test/{name}/{source}/{key}": value
            for name, of in figures.items()
            for source, values in of.items()
            for key, value in values.items()
        }
    )
    run.files(sorted(path for path in REPORT.iterdir() if path.name != ".gitignore"), "evaluate")


if __name__ == "__main__":
    run_stage("evaluate", main, BadDataset, ConfigError, ModelError)
