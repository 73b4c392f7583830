"""The five stages as `dvc repro` runs them, on a tiny world, and dvc.yaml's promises."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest
import yaml
from conftest import PROJECT
from test_architecture import closure

from fkd import Predictor
from fkd.datasets.pts import write_pts
from fkd.datasets.store import load_faces
from fkd.evaluate import validation_nme
from fkd.onnx_model import open_onnx
from fkd.params import load_params
from pipelines.evaluate import test_sets as sets_of

STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
SMALL = {
    "  epochs: ": "  epochs: 2 # ",
    "  batch_size: ": "  batch_size: 8 # ",
    "  min_face: 32": "  min_face: 20",
    "  processes: 0": "  processes: 1",
    "  threads: 0": "  threads: 1",
    "  val: 0.06": "  val: 0.2",
    "  test: 0.14": "  test: 0.2",
}
SMALL_RECIPE = {"size: 176": "size: 80", "supersample: 2": "supersample: 1"}


def edited(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)


def run(stage: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
    environment["PYTHONPATH"] = str(PROJECT)
    command = [sys.executable, "-m", f"pipelines.{stage}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A project folder in which the five stages have run."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copy(PROJECT / "params.yaml", folder)
    shutil.copytree(PROJECT / "data" / "synthetic", folder / "data" / "synthetic")
    edited(folder / "params.yaml", SMALL)
    edited(folder / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 40 # "})
    for stage in STAGES:
        done = run(stage, folder)
        assert done.returncode == 0, f"{stage}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return folder


def test_stages_write_what_dvc_yaml_says(world):
    for stage in STAGES.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path = output if isinstance(output, str) else next(iter(output))
            assert (world / path).exists(), path


def test_people_are_on_one_side_only(world):
    parts = {p: load_faces(world / "data/prepared" / p) for p in ("train", "val", "test")}
    names = {part: {face.identity for face in faces} for part, faces in parts.items()}
    assert sum(map(len, names.values())) == len(set().union(*names.values()))
    assert all(names.values())


def test_evaluates_validation_score_is_trains_best(world):
    best = json.loads((world / "reports/train/metrics.json").read_text())["val_nme"]
    again = json.loads((world / "reports/evaluate/metrics.json").read_text())["val"]["nme"]
    assert again == pytest.approx(best, rel=1e-4)


def test_the_exported_model_scores_the_same(world):
    network, info = open_onnx(world / "models/model.onnx")
    val = load_faces(world / "data/prepared/val")
    best = json.loads((world / "reports/train/metrics.json").read_text())["val_nme"]
    assert validation_nme(val, network, info.crop) == pytest.approx(best, rel=1e-4)


def test_parity_passed_and_is_reported(world):
    parity = json.loads((world / "reports/export/parity.json").read_text())
    assert parity["passed"] is True and parity["crops"] > 0
    assert (
        max(v for k, v in parity.items() if k.startswith("batch_")) == parity["largest_px"] < 0.01
    )


def test_the_model_that_was_trained_finds_a_face_with_either_backend(world, astronaut):
    answers = [
        Predictor(world / "models/model.onnx", backend=b)(astronaut)[0].points
        for b in ("onnx", "torch")
    ]
    np.testing.assert_allclose(*answers, atol=0.05)


def test_scores_name_sets_and_box_sources_and_the_mean_face(world):
    scores = json.loads((world / "reports/evaluate/metrics.json").read_text())["synthetic"]
    assert {"nme", "median", "auc", "failure_rate", "mean_face_nme", "recall"} <= set(
        scores["annotation"]
    )
    assert scores["annotation"]["recall"] == 1.0
    with (world / "reports/evaluate/regions.csv").open() as file:
        header = next(csv.reader(file))
    assert header == ["set", "nme", "jaw", "brows", "nose", "eyes", "mouth"]


def test_pictures_of_the_reports_are_pictures(world):
    pictures = sorted((world / "reports").rglob("*.png"))
    assert {p.name for p in pictures} == {
        *("gallery.png", "ced.png", "bias.png", "confidence.png", "worst.png", "feature_maps.png")
    }
    assert all(cv2.imread(str(p)).std() > 10 for p in pictures)


def test_one_mlflow_run_holds_the_whole_pipeline(world):
    client = mlflow.MlflowClient(f"sqlite:///{world / 'mlflow.db'}")
    (run_,) = client.search_runs([client.get_experiment_by_name("fkd").experiment_id])
    assert run_.info.status == "FINISHED"
    assert run_.data.params["train.epochs"] == "2"
    assert len(client.get_metric_history(run_.info.run_id, "train.val_nme")) == 2
    assert {"synthetic.annotation.nme", "parity.largest_px", "best.val_nme"} <= set(
        run_.data.metrics
    )
    folders = {f.path for f in client.list_artifacts(run_.info.run_id)}
    assert {"train", "evaluate", "export"} <= folders
    version = client.get_model_version_by_alias("fkd", "champion")
    assert version.run_id == run_.info.run_id
    about = open_onnx(world / "models/model.onnx")[1].about
    assert about["run"] == run_.info.run_id and about["weights_licence"] == "MIT"


def photos_with_points(folder: Path, recipe) -> Path:
    """A folder of twelve pictures with a .pts file beside each."""
    from fkd.synthetic.face import draw_face

    folder.mkdir(parents=True)
    for i in range(12):
        grey, points = draw_face(recipe, i)
        cv2.imwrite(str(folder / f"p{i}.png"), grey)
        (folder / f"p{i}.pts").write_text(write_pts(points))
    return folder


def test_drawn_faces_are_mixed_with_photos_when_asked(tmp_path, recipe, monkeypatch):
    photos_with_points(tmp_path / "data" / "mine", recipe)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    shutil.copytree(PROJECT / "data" / "synthetic", tmp_path / "data" / "synthetic")
    edited(tmp_path / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 9 # "})
    mixed = {"root: data/synthetic": "root: data/mine", "add_drawn: false": "add_drawn: true"}
    edited(tmp_path / "params.yaml", {**SMALL, **mixed})
    done = run("prepare", tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    sets = sets_of(load_params())  # evaluate.root is the folder of drawn faces: not read twice
    assert {"mine", "synthetic"} >= set(sets) and len(sets["synthetic"]) < 9
    parts = [load_faces(tmp_path / "data/prepared" / p) for p in ("train", "val", "test")]
    subsets = [(face.subset, face.drawn) for part in parts for face in part]
    assert Counter(subsets) == {("mine", False): 12, ("synthetic", True): 9}


def test_bad_rows_are_left_out_counted_and_listed(tmp_path, recipe):
    """Real layout, with one face of each kind of fault among good ones."""
    folder = photos_with_points(tmp_path / "data" / "mine", recipe)
    (folder / "p0.png").write_bytes(b"rubbish")
    (folder / "p1.pts").write_text("1 2\n")
    (folder / "p2.pts").write_text(write_pts(np.full((68, 2), np.nan)))
    (folder / "p3.png").unlink()
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    edited(tmp_path / "params.yaml", {**SMALL, "root: data/synthetic": "root: data/mine"})
    done = run("prepare", tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "reports/prepare/summary.json").read_text())
    assert summary["rejected"] == 4 and sum(summary["faces"].values()) == 8
    with (tmp_path / "reports/prepare/rejected.csv").open() as file:
        reasons = {row["name"]: row["reason"] for row in csv.DictReader(file)}
    assert set(reasons) == {"p0", "p1", "p2", "p3"}
    assert "not a picture" in reasons["p0"] and "1 points" in reasons["p1"]
    assert "not a number" in reasons["p2"] and "no photo beside" in reasons["p3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root: data/synthetic": "root: data/gone"}, "prepare: data/gone: data.root must be"),
        ({"min_face: 32": "min_face: small"}, "prepare: params.yaml: prepare: min_face: 'small'"),
    ],
)
def test_a_stage_that_cannot_work_stops_with_one_sentence(tmp_path, change, message):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    edited(tmp_path / "params.yaml", change)
    done = run("prepare", tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_yaml_lists_every_module_that_a_stage_reaches(stage):
    """DVC does not follow imports; fkd/__init__.py only names the public API and is left out."""
    listed = {d for d in STAGES[stage]["deps"] if d.endswith(".py")}
    assert listed == closure(PROJECT / "pipelines" / f"{stage}.py") - {"fkd/__init__.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_script_and_params_section_have_one_name(stage):
    assert STAGES[stage]["cmd"] == f"python -m pipelines.{stage}"
    assert stage in STAGES[stage]["params"]
    assert stage in yaml.safe_load((PROJECT / "params.yaml").read_text())


def test_drawing_code_does_not_reach_the_training():
    assert not {d for d in STAGES["train"]["deps"] if "draw" in d or "synthetic" in d}
