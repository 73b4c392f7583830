"""Stage train: fit the network to the prepared faces, keep its best weights, open the run."""

import csv
import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

import fkd.evaluate
import fkd.training
from fkd.datasets.store import Face, load_faces
from fkd.model_info import ModelError, find_model
from fkd.onnx_model import open_onnx
from fkd.params import Params, ParamsError, flatten, load_params, read_yaml
from fkd.tracking import Run, git, new_run
from fkd.training.checkpoint import Checkpoint, save_checkpoint
from fkd.training.fit import Diverged, Epoch, Fitted, Watcher, check_choices, fit
from fkd.training.progress import TrainingBar
from fkd.training.teacher import taught

PREPARED = Path("data/prepared")
MODEL = Path("models/model.pt")
RUN = Path("models/run.json")
STATE = Path("models/training-state.pt")
REPORT = Path("reports/train")


def main() -> None:
    params = load_params()
    check_choices(params.train)
    check_room(params)
    faces, val = load_faces(PREPARED / "train"), load_faces(PREPARED / "val")
    data = fingerprint([PREPARED / "train", PREPARED / "val"])
    code = fingerprint([Path(fkd.training.__file__).parent, Path(fkd.evaluate.__file__).parent])
    faces, teacher = learned_from(faces, params.train.teacher)
    inputs = f"{data} {code} {params.train} {teacher} torch {torch.__version__}"
    subsets = sorted({face.subset for face in faces})
    drawn = sorted({face.subset for face in faces if face.drawn})
    with new_run({"data_fingerprint": data, "data": ", ".join(subsets)}) as run:
        run.params({**flatten(read_yaml(Path("params.yaml"))), "training_faces": len(faces)})
        about = {
            "run": run.id,
            "git_commit": git("rev-parse", "HEAD"),
            "data_fingerprint": data,
            "trained_on": ", ".join(subsets),
            "drawn": ", ".join(drawn),
            "training_faces": str(len(faces)),
            **teacher,
        }
        try:
            fitted = train(params, faces, val, inputs, run)
        except Diverged as error:
            if error.fitted:
                keep(params, error.fitted, about)
                raise SystemExit(f"train: {error}; {MODEL} has the best weights before") from None
            raise SystemExit(f"train: {error}; try a lower train.lr") from None
        keep(params, fitted, about)
        report(fitted, run)
    RUN.write_text(json.dumps({"run": run.id}) + "\n")
    STATE.unlink(missing_ok=True)


def learned_from(faces: list[Face], model: str) -> tuple[list[Face], dict[str, str]]:
    """The faces with a teacher's part in their points, and its file's name and hash, and licence
    where that is not the code's; the faces as they are where no model is named. Raises ParamsError.
    """
    if not model:
        return faces, {}
    try:
        file = find_model(model)
        network, info = open_onnx(file)
    except ModelError as error:
        raise ParamsError(f"train.teacher: {error}") from None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    about = {"teacher": f"{file.name} {digest}"}
    if info.notice:
        about["teachers_licence"] = info.notice
    return taught(faces, network, info.crop), about


def check_room(params: Params) -> None:
    """Raises ParamsError when crops would reach beyond the cut-outs that prepare keeps."""
    crop = params.train.crop
    if crop.scale / 2 + abs(crop.shift_y) > params.prepare.room / 2:
        raise ParamsError(
            "train.crop: reaches beyond prepare.room; raise that to at least twice it"
        )


def train(params: Params, faces: list[Face], val: list[Face], inputs: str, run: Run) -> Fitted:
    """Fit with a bar for the person at the terminal and numbers for MLflow."""
    told: list[Epoch] = []
    with TrainingBar(params.train.epochs) as bar:

        def on_epoch(record: Epoch) -> None:
            bar.on_epoch(record)
            tell(record, run)
            told.append(record)

        watcher = Watcher(on_batch=bar.on_batch, on_epoch=on_epoch)
        fitted = fit(faces, val, params.train, STATE, inputs, watcher)
    for record in fitted.history:  # what a killed run of before had told another MLflow run
        if record not in told:
            tell(record, run)
    return fitted


def tell(record: Epoch, run: Run) -> None:
    """An epoch's numbers to MLflow."""
    numbers = dataclasses.asdict(record)
    step = numbers.pop("epoch")
    run.metrics({f"train.{key}": value for key, value in numbers.items()}, step)


def keep(params: Params, fitted: Fitted, about: Mapping[str, str]) -> None:
    """Write the checkpoint."""
    weights: Mapping[str, Tensor] = fitted.weights
    save_checkpoint(Checkpoint(params.train.model, params.train.crop, weights, dict(about)), MODEL)


def report(fitted: Fitted, run: Run) -> None:
    """The history as a table, the best epoch as metrics."""
    REPORT.mkdir(parents=True, exist_ok=True)
    with (REPORT / "history.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([field.name for field in dataclasses.fields(Epoch)])
        rows.writerows(dataclasses.astuple(epoch) for epoch in fitted.history)
    best = {
        "val_nme": round(fitted.best.val_nme, 4),
        "best_epoch": fitted.best.epoch,
        "parameters": sum(value.numel() for value in fitted.weights.values()),
    }
    (REPORT / "metrics.json").write_text(json.dumps(best, indent=2) + "\n")
    run.metrics({f"best.{key}": value for key, value in best.items()})
    run.files([REPORT / "history.csv", MODEL], "train")


def fingerprint(folders: list[Path]) -> str:
    """A short hash of all files that stand in some folders themselves."""
    digest = hashlib.sha256()
    for path in _files(folders):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()[:16]


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in folder.iterdir() if path.is_file())


if __name__ == "__main__":
    try:
        main()
    except ParamsError as error:
        sys.exit(f"train: {error}")
