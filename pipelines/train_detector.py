"""Stage train_detector: fit the detector to composed scenes, open its run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.compose import compose_many
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.portraits import Portraits
from fkd.datasets.scenes.store import BACKGROUNDS, HEADS, Materials, load_materials
from fkd.datasets.store import TABLE, load_faces, subsets_of
from fkd.evaluation.detector_figures import scene_gallery
from fkd.evaluation.figures import save_figure
from fkd.io.config import ConfigError, flatten, load_section, read_yaml
from fkd.models.detector import open_detector
from fkd.models.zoo import DETECTOR
from fkd.training.detector.checkpoint import DetectorCheckpoint, save_detector
from fkd.training.detector.fit import DetectorEpoch, fit_detector
from fkd.training.detector.initial import PACKAGED
from fkd.training.detector.params import DetectorParams
from fkd.training.loop.callbacks import Diverged
from fkd.training.progress import TrainingBar
from pipelines.lineage import link_parents, parent, unlabelled_parents
from pipelines.resume import EpochLog, fingerprint, take_over, write_history
from pipelines.stage import run_stage, write_json
from pipelines.tracking import Run, new_run
from pipelines.tracking.data_sets import TRAINING, VALIDATION, DataSet, data_set
from pipelines.tracking.description import AGAIN, WHAT, again_text
from pipelines.tracking.source import git

PARAMS = Path("params.yaml")
PREPARED = Path("data/scenes")
UNLABELLED = Path("data/prepared/unlabelled")
MODEL = Path("models/detector.pt")
STATE = Path("models/detector-state.pt")
RUNNING = Path("models/detector-run.txt")  # the MLflow run whose training has not ended
REPORT = Path("reports/train_detector")
GALLERY, SHOWN = "scenes.png", 24
SCENES, HEADS_ARE = "synthetic scenes", "rendered heads"
PROJECT = Path(__file__).parents[1]
# The code that decides the weights: a killed training goes on only where it is the same.
DECIDES_WEIGHTS = (
    "fkd/degradation.py",
    "fkd/landmarks.py",
    "fkd/datasets/scenes",
    "fkd/datasets/shards.py",
    "fkd/datasets/store.py",
    "fkd/geometry",
    "fkd/training/detector",
    "fkd/training/loop/schedule.py",
    "fkd/training/loop/state.py",
    "fkd/training/serialization.py",
)


def main() -> None:
    params = load_section(DetectorParams, PARAMS, "train_detector")
    scenes = load_section(SceneParams, PARAMS, "scenes")
    faces, val = load_faces(UNLABELLED), load_materials(PREPARED / "val")
    train = replace(load_materials(PREPARED / "train"), portraits=Portraits(faces))
    learned = learned_from(params, sorted({*subsets_of(faces)}))
    parts = [PREPARED / part / kind for part in ("train", "val") for kind in (HEADS, BACKGROUNDS)]
    data = fingerprint([*parts, UNLABELLED / TABLE])
    code = fingerprint([PROJECT / path for path in DECIDES_WEIGHTS])
    inputs = f"{data} {code} {params} {scenes} {learned} torch {torch.__version__}"
    shown = compose_many(train, scenes, SHOWN, params.seed)
    save_figure(scene_gallery(shown), REPORT / GALLERY)
    with new_run({"data_fingerprint": data, "task": "detection"}) as run:
        take_over(run, RUNNING, STATE, inputs)
        run.params({**flatten(read_yaml(PARAMS)), "training_heads": len(train.heads)})
        run.inputs(read_sets(train, val, subsets_of(faces), data))
        introduce(run, params, train, learned)
        provenance = {
            "git_commit": git("rev-parse", "HEAD"),
            "data_fingerprint": data,
            "training_heads": str(len(train.heads)),
            "training_portraits": str(len(train.portraits)),
            "training_backgrounds": str(len(train.backgrounds)),
            **learned,
        }
        try:
            checkpoint, history = fit(train, val, scenes, params, inputs, run)
        except Diverged as error:
            raise SystemExit(f"train_detector: {error}; try a lower train_detector.lr") from None
        save_detector(DetectorCheckpoint(checkpoint, {"run": run.id, **provenance}), MODEL)
        report(history, run)
    STATE.unlink(missing_ok=True)
    RUNNING.unlink(missing_ok=True)


def learned_from(params: DetectorParams, portraits_of: list[str]) -> dict[str, str]:
    """What decides the licence of the weights: sets of pictures, and other models. portraits_of:
    the set that the portraits are of, if there are any. Raises ConfigError."""
    learned = {
        "trained_on": ", ".join([SCENES, *portraits_of]),
        "synthetic": SCENES,
        **parent("init", params.init, "train_detector.init", detector_file),
    }
    return {**learned, **unlabelled_parents(portraits_of[0])} if portraits_of else learned


def read_sets(
    train: Materials, val: Materials, portraits_of: list[str], fingerprint: str
) -> list[DataSet]:
    """The folders that a training reads, for the run. portraits_of: the set of each portrait."""
    read = {
        PREPARED / "train": (TRAINING, [HEADS_ARE] * len(train.heads)),
        PREPARED / "val": (VALIDATION, [HEADS_ARE] * len(val.heads)),
        UNLABELLED: (TRAINING, portraits_of),
    }
    return [
        data_set(folder, context, kinds, fingerprint)
        for folder, (context, kinds) in read.items()
        if kinds
    ]


def introduce(
    run: Run, params: DetectorParams, train: Materials, learned: Mapping[str, str]
) -> None:
    """What a reviewer reads first on the run's page, and the runs of the models it learns from."""
    run.describe(
        WHAT,
        f"Training of the face detector: {params.epochs} epochs of {params.scenes_per_epoch} "
        f"scenes, composed of {len(train.heads)} rendered heads, {len(train.portraits)} portraits "
        f"and {len(train.backgrounds)} backgrounds, then scored and exported.",
    )
    run.describe(AGAIN, again_text())
    link_parents(run, learned)


def detector_file(init: str) -> tuple[Path, Mapping[str, str]]:
    """The file of a detector that `train_detector.init` names, and its provenance. Raises
    ModelError."""
    file = DETECTOR if init == PACKAGED else Path(init)
    return file, open_detector(file)[1].provenance


def fit(
    train: Materials,
    val: Materials,
    scenes: SceneParams,
    params: DetectorParams,
    inputs: str,
    run: Run,
) -> tuple[dict[str, torch.Tensor], list[DetectorEpoch]]:
    """Fit with a bar for the person at the terminal and numbers for MLflow."""
    log = EpochLog[DetectorEpoch](lambda record: log_epoch(record, run))
    with TrainingBar(params.epochs) as bar:

        def on_epoch(record: DetectorEpoch) -> None:
            rate = f"{params.scenes_per_epoch / record.seconds:.0f} scenes/s"
            bar.on_epoch(record.epoch, record.loss, f"AP {record.val_ap:.2f} %", rate)
            log.add(record)

        weights, history = fit_detector(
            train, val, scenes, params, STATE, inputs, on_epoch, bar.on_batch
        )
    log.complete(history)
    return dict(weights), history


def log_epoch(record: DetectorEpoch, run: Run) -> None:
    """An epoch's numbers to MLflow."""
    metrics = {
        "train/loss": record.loss,
        "val/average_precision": record.val_ap,
        "train/lr": record.lr,
        "train/seconds": record.seconds,
    }
    run.metrics(metrics, record.epoch)


def report(history: list[DetectorEpoch], run: Run) -> None:
    """The history as a table, the last epoch as metrics."""
    write_history(DetectorEpoch, history, REPORT / "history.csv")
    write_json(REPORT / "metrics.json", {"val_ap": round(history[-1].val_ap, 4)})
    run.files([REPORT / "history.csv", REPORT / GALLERY, MODEL], "train")


if __name__ == "__main__":
    run_stage("train_detector", main, BadDataset, ConfigError)
