"""What photos without labels bring: `python -m tools.adaptation data/real/youtube-faces`.

The frames of the training people become photos without labels, up to COUNT of them; `base` goes on
from there as docs/training.md tells, and is scored on people it has not seen, every frame of
theirs, in annotation boxes. No label of the set is used but to score.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import yaml

from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.prepare import split_samples
from fkd.datasets.root import read_root
from fkd.evaluation.benchmark import test_faces
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training.backend import open_checkpoint
from tools.finetuning import run, scores

COUNT = 500
START = "base"
# As in docs/training.md.
SECTION = {"init": START, "lr": 0.0005, "epochs": 10, "oversampling": {"camera": 8}}


def main(data: Path) -> None:
    sets, _ = test_faces(data, DEFAULT_PREPARE, everyone=False)
    before = scores(*open_onnx(find_model(START)), sets)
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_photos(data, work / "data/camera")
        shutil.copytree("data/synthetic", work / "data/synthetic")
        (work / "params.yaml").write_text(yaml.safe_dump(parameters(), sort_keys=False))
        for stage in ("prepare", "prepare_unlabelled", "train"):
            run(f"pipelines.{stage}", work)
        after = scores(*open_checkpoint(work / "models/model.pt"), sets)
    for name, old, new in zip(sets, before, after, strict=True):
        print(f"{name}: {len(sets[name])} faces, {old} % with {START}, {new} % after")


def write_photos(data: Path, folder: Path) -> None:
    """Frames of the people that the split trains on, evenly taken, without their labels."""
    folder.mkdir(parents=True)
    frames = split_samples(read_root(data), DEFAULT_PREPARE)["train"]
    for number, frame in enumerate(frames[:: max(1, len(frames) // COUNT)][:COUNT]):
        cv2.imwrite(str(folder / f"{number:05d}.png"), frame.read().image)


def parameters() -> dict[str, Any]:
    """The project's parameters with those of the experiment."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text())
    params["data"]["unlabelled"] = "data/camera"
    params["train"].update(SECTION)
    return params


if __name__ == "__main__":
    main(Path(sys.argv[1]))
