"""Stage train: fit the network to the prepared faces, keep its best weights, open the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fkd.cluster.connection import ClusterError
from fkd.datasets.sample import BadDataset
from fkd.datasets.store import TABLE, Faces, LabelledFace, joined, load_faces, subsets_of
from fkd.io.config import ConfigError, flatten, load_section, read_yaml
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training.augment import AugmentParams, changed_faces
from fkd.training.checkpoint import Checkpoint, save_checkpoint
from fkd.training.distillation import distilled
from fkd.training.loop.callbacks import Callbacks, Diverged, Epoch, TrainResult
from fkd.training.loop.fit import fit, follow
from fkd.training.loop.world import world_of_torchrun
from fkd.training.on_ray import fit_on_ray
from fkd.training.params import TrainParams
from fkd.training.progress import TrainingBar
from pipelines.lineage import link_parents, parent, unlabelled_parents
from pipelines.resume import EpochLog, fingerprint, take_over, write_history
from pipelines.stage import run_stage, write_json
from pipelines.tracking import Run, new_run
from pipelines.tracking.data_sets import TRAINING, VALIDATION, DataSet, data_set
from pipelines.tracking.description import AGAIN, WHAT, again_text
from pipelines.tracking.source import git

PARAMS = Path("params.yaml")
PREPARED, UNLABELLED = Path("data/prepared"), Path("data/prepared/unlabelled")
MODEL = Path("models/model.pt")
STATE = Path("models/training-state.pt")
RUNNING = Path("models/training-run.txt")  # the MLflow run whose training has not ended
REPORT = Path("reports/train")
# How often a face that nobody labelled validates, changed at random each time.
UNLABELLED_VARIANTS = 4
PROJECT = Path(__file__).parents[1]
ENGINES = {"local": fit, "ray": fit_on_ray}
# The code that decides the weights: a killed training goes on only where it is the same.
DECIDES_WEIGHTS = (
    "fkd/degradation.py",
    "fkd/landmarks.py",
    "fkd/ground_truth.py",
    "fkd/datasets/shards.py",
    "fkd/datasets/store.py",
    "fkd/evaluation/metrics.py",
    "fkd/evaluation/scoring.py",
    "fkd/geometry",
    "fkd/training/augment.py",
    "fkd/training/backend.py",
    "fkd/training/distillation.py",
    "fkd/training/initial.py",
    "fkd/training/loop",
    "fkd/training/losses.py",
    "fkd/training/networks.py",
    "fkd/training/onnx_weights.py",
    "fkd/training/serialization.py",
)


class StoredMargin(BaseModel):
    """The one key of the section `prepare` that bounds what training may cut."""

    model_config = ConfigDict(frozen=True)
    margin: Annotated[float, Field(ge=1)]


def main() -> None:
    with world_of_torchrun() as here:
        if here.rank:
            follow()
        else:
            lead(here.size)


def lead(started: int) -> None:
    """The stage, in the first or only process. started: how many torchrun has started."""
    params = load_section(TrainParams, PARAMS, "train")
    check_engine(params, started)
    check_margin(params, load_section(StoredMargin, PARAMS, "prepare").margin)
    val, unlabelled = validation_faces(params.augment), load_faces(UNLABELLED)
    data, code = data_and_code()
    parents = {**parent("teacher", params.teacher), **parent("init", params.init)}
    faces = training_faces(params)
    if unlabelled:
        parents |= unlabelled_parents(unlabelled[0].subset)
    inputs = f"{data} {code} {params} {parents} torch {torch.__version__}"
    of_subset, made = faces.columns["subsets"], faces.columns["synthetic"]
    subsets, synthetic = (sorted({*of.tolist()}) for of in (of_subset, of_subset[made]))
    with new_run({"data_fingerprint": data, "data": ", ".join(subsets)}) as run:
        take_over(run, RUNNING, STATE, inputs)
        run.params({**flatten(read_yaml(PARAMS)), "training_faces": len(faces)})
        run.inputs(read_sets(data))
        introduce(run, params, len(faces), len(val), parents)
        provenance = {
            "git_commit": git("rev-parse", "HEAD"),
            "data_fingerprint": data,
            "trained_on": ", ".join(subsets),
            "synthetic": ", ".join(synthetic),
            "training_faces": str(len(faces)),
            **parents,
        }
        try:
            result = train(params, faces, val, inputs, run)
        except Diverged as error:
            if error.result:
                save(params, error.result, {"run": run.id, **provenance})
                raise SystemExit(f"train: {error}; {MODEL} has the best weights before") from None
            raise SystemExit(f"train: {error}; try a lower train.lr") from None
        save(params, result, {"run": run.id, **provenance})  # its id may have come late
        report(result, run)
    STATE.unlink(missing_ok=True)
    RUNNING.unlink(missing_ok=True)


def introduce(
    run: Run, params: TrainParams, faces: int, val_faces: int, parents: dict[str, str]
) -> None:
    """What a reviewer reads first on the run's page, and the runs of the models it learns from."""
    run.describe(
        WHAT,
        f"Training of the network `{params.network}` on crops of {params.crop.size} pixels: "
        f"{params.epochs} epochs of {faces} faces, the best chosen by the NME of {val_faces} "
        "crops of others, then scored, exported, registered and compared with the champion. Each "
        "stage adds its pictures to the artifacts.",
    )
    run.describe(AGAIN, again_text())
    link_parents(run, parents)


def read_sets(fingerprint: str) -> list[DataSet]:
    """The folders that a training reads, for the run; their digest is the fingerprint where DVC
    does not say it."""
    contexts = {PREPARED / "train": TRAINING, PREPARED / "val": VALIDATION, UNLABELLED: TRAINING}
    return [
        data_set(folder, context, subsets_of(faces), fingerprint)
        for folder, context in contexts.items()
        if (faces := load_faces(folder))
    ]


def data_and_code() -> tuple[str, str]:
    """Fingerprints of the prepared faces, and of the code that decides the weights."""
    folders = (PREPARED / "train", PREPARED / "val", UNLABELLED)
    code = fingerprint([PROJECT / path for path in DECIDES_WEIGHTS])
    return fingerprint([folder / TABLE for folder in folders]), code


def training_faces(params: TrainParams) -> Faces:
    """The labelled faces, distilled where a teacher is named, and those that nobody labelled."""
    faces, unlabelled = load_faces(PREPARED / "train"), load_faces(UNLABELLED)
    if params.teacher:
        teacher, info = open_onnx(find_model(params.teacher))
        faces = distilled(faces, teacher, info.crop)
    unlabelled = unlabelled.take(np.flatnonzero(~held_out(len(unlabelled))))
    return joined(faces, unlabelled) if unlabelled else faces


def validation_faces(augment: AugmentParams) -> Sequence[LabelledFace]:
    """The labelled faces that validate, and those of photos that nobody labelled. Of these the
    points are what a teacher said, from which a training mostly starts: they can only show how well
    others answer when the pixels are changed."""
    faces, unlabelled = load_faces(PREPARED / "val"), load_faces(UNLABELLED)
    unlabelled = unlabelled.take(np.flatnonzero(held_out(len(unlabelled))))
    if not unlabelled:
        return faces
    return [*faces, *changed_faces(unlabelled, augment, UNLABELLED_VARIANTS)]


def held_out(count: int) -> NDArray[np.bool_]:
    """Which of so many faces of unlabelled photos validate: a tenth, in runs of up to ten, because
    neighbours may be frames of one video."""
    run = max(1, min(10, count // 10))
    return np.asarray(np.arange(count) // run % 10 == 9)


def check_engine(params: TrainParams, started: int) -> None:
    """Raises ConfigError when not one and only one engine starts the processes."""
    if started > 1 and params.engine != "local":
        raise ConfigError(
            f"train.engine: {params.engine} starts processes itself, without torchrun"
        )
    if params.world_size > 1 and params.engine == "local" and started == 1:
        raise ConfigError(
            f"train.world_size: {params.world_size} processes are started by train.engine=ray, or "
            f"by torchrun --nproc-per-node {params.world_size} -m pipelines.train"
        )


def check_margin(params: TrainParams, margin: float) -> None:
    """Raises ConfigError when crops would reach beyond the face chips that prepare stores."""
    if params.crop.scale / 2 + abs(params.crop.shift_y) > margin / 2:
        raise ConfigError(
            "train.crop: reaches beyond prepare.margin; raise that to at least "
            "train.crop.scale + 2 * |train.crop.shift_y|"
        )


def train(
    params: TrainParams,
    faces: Faces,
    val: Sequence[LabelledFace],
    inputs: str,
    run: Run,
) -> TrainResult:
    """Fit with a bar for the person at the terminal and numbers for MLflow."""
    log = EpochLog[Epoch](lambda record: log_epoch(record, run))
    with TrainingBar(params.epochs) as bar:

        def on_epoch(record: Epoch) -> None:
            rate = f"{record.faces_per_second:.0f} faces/s"
            bar.on_epoch(record.epoch, record.loss, f"NME {record.val_nme:.2f} %", rate)
            log.add(record)

        callbacks = Callbacks(on_batch=bar.on_batch, on_epoch=on_epoch)
        result = ENGINES[params.engine](faces, val, params, STATE, inputs, callbacks)
    log.complete(result.history)
    return result


def log_epoch(record: Epoch, run: Run) -> None:
    """An epoch's numbers to MLflow."""
    metrics = {
        "train/loss": record.loss,
        "val/nme": record.val_nme,
        "train/lr": record.lr,
        "train/seconds": record.seconds,
        "train/faces_per_second": record.faces_per_second,
    }
    run.metrics(metrics, record.epoch)


def save(params: TrainParams, result: TrainResult, provenance: dict[str, str]) -> None:
    """Write the checkpoint."""
    crop = params.crop.spec()
    save_checkpoint(Checkpoint(params.network, crop, result.weights, provenance), MODEL)


def report(result: TrainResult, run: Run) -> None:
    """The history as a table, the best epoch as metrics."""
    write_history(Epoch, result.history, REPORT / "history.csv")
    best = {
        "val_nme": round(result.best.val_nme, 4),
        "best_epoch": result.best.epoch,
        "parameters": sum(value.numel() for value in result.weights.values()),
    }
    write_json(REPORT / "metrics.json", best)
    run.metrics(
        {
            "val/best_nme": best["val_nme"],
            "train/best_epoch": best["best_epoch"],
            "train/parameters": best["parameters"],
        }
    )
    run.files([REPORT / "history.csv", MODEL], "train")


if __name__ == "__main__":
    run_stage("train", main, BadDataset, ClusterError, ConfigError)
