"""Stage evaluate: score the network on faces it has not seen, drawn and real, and picture it."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from fkd.datasets import drawn
from fkd.datasets.sample import BadDataset
from fkd.datasets.store import Face, load_faces
from fkd.draw import feature_maps, save_figure
from fkd.evaluate import always, mean_shape, validation_nme
from fkd.params import Params, ParamsError, flatten, load_params, read_yaml
from fkd.preprocess import crop_face
from fkd.report import Result, results, write_report
from fkd.score import OFFICIAL, test_faces
from fkd.tracking import Run, resumed_run
from fkd.training.answers import torch_network
from fkd.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_certainty,
    load_checkpoint,
)

PREPARED = Path("data/prepared")
MODEL = Path("models/model.pt")
RUN = Path("models/run.json")
REPORT = Path("reports/evaluate")
MEAN_OF = 2000  # training faces whose points make the mean face


def main() -> None:
    params = load_params()
    checkpoint = load_checkpoint(MODEL)
    net = checkpoint.network()
    certainty, spec = load_certainty(MODEL), checkpoint.crop
    network = torch_network(net, certainty)
    min_score = certainty.min_score if certainty else None
    train = load_faces(PREPARED / "train")
    some = np.linspace(0, len(train) - 1, min(len(train), MEAN_OF)).astype(int)
    baseline = always(mean_shape([train[i] for i in some], spec))
    sets = test_sets(params)
    if not sets:
        raise BadDataset("no test faces: raise prepare.test or name a root in evaluate.root")
    threshold = params.evaluate.threshold
    by_set = {
        name: results(faces, network, baseline, spec, threshold, min_score)
        for name, faces in sets.items()
    }
    write_report(by_set, spec, threshold, REPORT)
    draw_feature_maps(checkpoint, next(iter(sets.values()))[0])
    val = validation_nme(load_faces(PREPARED / "val"), network, spec)
    numbers = {name: {s: r.numbers() for s, r in of.items()} for name, of in by_set.items()}
    stored = {"val": {"nme": round(val, 4)}, **numbers}
    (REPORT / "metrics.json").write_text(json.dumps(stored, indent=2) + "\n")
    with resumed_run(json.loads(RUN.read_text())["run"]) as run:
        run.params(flatten(read_yaml(Path("params.yaml"))))
        log(run, by_set)


def test_sets(params: Params) -> dict[str, list[Face]]:
    """Test faces by set: those that were prepared, and those of evaluate.root where it is another
    folder. Raises BadDataset."""
    named: dict[str, list[Face]] = {}
    for part, suffix in (("test", ""), ("official", OFFICIAL)):
        for face in load_faces(PREPARED / part):
            named.setdefault(face.subset + suffix, []).append(face)
    prepared = {Path(params.data.root).resolve()}
    if params.data.add_drawn:
        prepared.add(drawn.FOLDER.resolve())
    if Path(params.evaluate.root).resolve() not in prepared:
        others = test_faces(Path(params.evaluate.root), params.prepare)
        if clash := named.keys() & others.keys():
            raise BadDataset(
                f"{params.evaluate.root}: a set {min(clash)} is among the prepared ones too"
            )
        named |= others
    return dict(sorted(named.items()))


def draw_feature_maps(checkpoint: Checkpoint, face: Face) -> None:
    """What the first two layers answer to one face."""
    crop = crop_face(face.grey, face.box, checkpoint.crop)
    pixels = torch.from_numpy(crop.pixels)[None, None].float()
    with torch.inference_mode():
        layers = checkpoint.network().feature_maps(pixels)  # type: ignore[operator]
    maps = [layer[0].numpy() for layer in layers]
    save_figure(feature_maps(crop.pixels, maps), REPORT / "feature_maps.png")


def log(run: Run, by_set: dict[str, dict[str, Result]]) -> None:
    """The same numbers and pictures to MLflow."""
    for name, of in by_set.items():
        for source, result in of.items():
            run.metrics({f"{name}.{source}.{key}": v for key, v in result.numbers().items()})
    run.files(sorted(path for path in REPORT.iterdir() if path.name != ".gitignore"), "evaluate")


if __name__ == "__main__":
    try:
        main()
    except (BadDataset, CheckpointError, ParamsError) as error:
        sys.exit(f"evaluate: {error}")
