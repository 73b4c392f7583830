"""What more photos bring: `python -m tools.finetuning DATA` writes reports/bench/finetuning.csv and
docs/finetuning.png.

DATA is a folder with 300-W as `docs/data.md` lays it out. For each number of photos, drawn from the
training folders, `base` is fine-tuned as `make finetune` does it, and the same network is trained
from scratch; both are scored on 300-W common and on AFW, every face, in annotation boxes. Rows that
the table has already are not measured again; each takes about as long as a training of 30,000
crops.
"""

import csv
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.store import LabelledFace
from fkd.evaluation.benchmark import test_faces
from fkd.evaluation.report import results
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from fkd.models.metadata import ModelInfo
from fkd.models.output import Model
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training.backend import open_checkpoint

TABLE, PICTURE = Path("reports/bench/finetuning.csv"), Path("docs/finetuning.png")
COLUMNS = ("photos", "start", "common", "afw")
COUNTS = (20, 50, 200, 1000)
TRAINING_FOLDERS = ("helen/trainset", "lfpw/trainset")
TEST_FOLDERS = {"common": ("helen/testset", "lfpw/testset"), "afw": ("afw",)}
FAILURE = 8.0
# `make finetune`, with none of the photos kept for testing; from scratch at the rate of `base`.
SECTION = {"ema_decay": 0.99, "epochs": 30, "min_faces_per_epoch": 1000, "oversampling": {}}
RATES = {"base": 0.0005, "scratch": 0.002}
SPLIT = {"val_fraction": 0.1, "test_fraction": 0.0}


def main(data: Path) -> None:
    rows = read_rows()
    with TemporaryDirectory() as folder:
        sets = test_sets(data, Path(folder))
        if ("0", "base") not in {row[:2] for row in rows}:
            model, info = open_onnx(find_model("base"))
            rows.append(("0", "base", *scores(model, info, sets)))
            write_rows(rows)
        for start in RATES:
            for count in COUNTS:
                if (str(count), start) in {row[:2] for row in rows}:
                    continue
                work = Path(folder) / f"{count}-{start}"
                train(data, count, start, work)
                model, info = open_checkpoint(work / "models/model.pt")
                rows.append((str(count), start, *scores(model, info, sets)))
                write_rows(rows)
                print(*rows[-1], flush=True)
    draw(rows)


def read_rows() -> list[tuple[str, ...]]:
    """What was measured before."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def write_rows(rows: list[tuple[str, ...]]) -> None:
    write_whole(TABLE, csv_table([COLUMNS, *sorted(rows, key=lambda r: (r[1], int(r[0])))]))


def test_sets(data: Path, folder: Path) -> dict[str, list[LabelledFace]]:
    """The prepared test faces by name."""
    sets = {}
    for name, parts in TEST_FOLDERS.items():
        for part in parts:
            shutil.copytree(data / part, folder / name / "300w" / part)
        by_set, _ = test_faces(folder / name, DEFAULT_PREPARE, everyone=True)
        sets[name] = [face for faces in by_set.values() for face in faces]
    return sets


def train(data: Path, count: int, start: str, work: Path) -> None:
    """Prepare and train in a folder of its own."""
    photos = [label for part in TRAINING_FOLDERS for label in sorted((data / part).glob("*.pts"))]
    random.Random(0).shuffle(photos)
    mine = work / "data/mine/300w"
    mine.mkdir(parents=True)
    for label in photos[:count]:
        for file in (label, label.with_suffix(".jpg")):
            shutil.copy(file, mine / f"{label.parts[-3]}_{file.name}")
    shutil.copytree(data / "lfpw/testset", mine / "testset")  # `prepare` wants some
    shutil.copytree("data/synthetic", work / "data/synthetic")
    (work / "params.yaml").write_text(yaml.safe_dump(parameters(start), sort_keys=False))
    run("pipelines.prepare", work)
    run("pipelines.prepare_unlabelled", work)
    run("pipelines.train", work)


def parameters(start: str) -> dict[str, Any]:
    """The project's parameters with those of the experiment."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text())
    params["data"].update(root="data/mine", test_root="data/mine")
    params["prepare"].update(SPLIT)
    params["train"].update(SECTION, init="" if start == "scratch" else start, lr=RATES[start])
    return params


def run(module: str, work: Path) -> None:
    """A stage in this folder, with the code of this project."""
    here = {"PYTHONPATH": str(Path.cwd()), "MLFLOW_TRACKING_URI": f"sqlite:///{work}/mlflow.db"}
    subprocess.run([sys.executable, "-m", module], cwd=work, env={**os.environ, **here}, check=True)


def scores(model: Model, info: ModelInfo, sets: dict[str, list[LabelledFace]]) -> list[str]:
    """NME of each set, percent, in annotation boxes."""
    found = [results(faces, model, None, info.crop, FAILURE) for faces in sets.values()]
    return [f"{by_source['annotation'].scored.nme:.2f}" for by_source in found]


def draw(rows: list[tuple[str, ...]]) -> None:
    """The curves, against the number of photos."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for column, title in ((2, "300-W common"), (3, "AFW, not in the photos")):
        axes = figure.add_subplot(1, 2, column - 1)
        for start, colour in (("base", "#1f6f5c"), ("scratch", "#b0632a")):
            of_start = sorted((int(r[0]), float(r[column])) for r in rows if r[1] == start)
            trained = [(n, value) for n, value in of_start if n]
            if not trained:
                continue
            label = "fine-tuned from base" if start == "base" else "from scratch"
            axes.plot(*zip(*trained, strict=True), "o-", color=colour, label=label)
            if not of_start[0][0]:
                axes.axhline(of_start[0][1], color=colour, linestyle=":", label="base itself")
        axes.set(title=title, xscale="log", yscale="log", xlabel="photos", ylabel="NME %")
        axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
        axes.minorticks_off()
        ticks = (3, 4, 5, 6, 8, 10, 15, 20)
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(PICTURE, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
