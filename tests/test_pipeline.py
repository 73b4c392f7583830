"""The stages as `dvc repro` runs them, on a tiny world, and dvc.yaml's promises."""

import csv
import importlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest
import torch
import yaml
from conftest import PROJECT
from test_architecture import closure, reached_files
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.datasets.store import load_faces
from fkd.evaluation.scoring import validation_nme
from fkd.inference.drift import MEASURES
from fkd.io.pts import format_pts
from fkd.models.detector import open_detector
from fkd.models.session import open_onnx
from pipelines.train import DECIDES_WEIGHTS, RUNNING

STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
SMALL = {
    "  network: pyramid": "  network: nano",
    "    size: 128": "    size: 96",
    "  epochs: ": "  epochs: 2 # ",
    "  batch_size: ": "  batch_size: 8 # ",
    "  min_face: 32": "  min_face: 20",
    "  num_workers: 0": "  num_workers: 1",
    "  intra_op_threads: 0": "  intra_op_threads: 1",
    "  val_fraction: 0.06": "  val_fraction: 0.2",
    "  test_fraction: 0.14": "  test_fraction: 0.2",
    "heads: {train: 400, val: 60, test: 100}": "heads: {train: 6, val: 3, test: 3}",
    "  head_size: 160": "  head_size: 64",
    "  generated_backgrounds: 150": "  generated_backgrounds: 3",
    "  epochs: 6": "  epochs: 2",
    "  scenes_per_epoch: 2000": "  scenes_per_epoch: 32",
    "  val_scenes: 100": "  val_scenes: 8",
    "  scenes: 300": "  scenes: 12",
}
MINE = {"  root: data/synthetic": "  root: data/mine"}
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


def go_to(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make a project folder the current one, with nothing of another's runs in the environment."""
    patch.chdir(folder)
    for name in [n for n in os.environ if n.startswith(("DVC_", "MLFLOW_"))]:
        patch.delenv(name)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A project folder in which all stages have run."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copy(PROJECT / "params.yaml", folder)
    shutil.copytree(PROJECT / "data" / "synthetic", folder / "data" / "synthetic")
    shutil.copytree(PROJECT / "data" / "benchmark", folder / "data" / "benchmark")
    edited(folder / "params.yaml", SMALL)
    edited(folder / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 40 # "})
    edited(folder / "data/benchmark/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 5 # "})
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        go_to(folder, patch)
        for stage in STAGES:  # not as processes of their own: each would import torch and MLflow
            importlib.import_module(f"pipelines.{stage}").main()
    torch.set_num_threads(threads)
    return folder


def test_stages_write_what_dvc_yaml_says(world):
    for stage in STAGES.values():
        for output in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path = output if isinstance(output, str) else next(iter(output))
            assert (world / path).exists(), path


def test_the_exported_model_has_histograms_of_its_validation_faces(world):
    _, info = open_onnx(world / "models/model.onnx")
    faces = len(load_faces(world / "data/prepared/val"))
    assert set(info.histograms) == set(MEASURES)
    assert all(0 < one.total <= faces for one in info.histograms.values())


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
    model, info = open_onnx(world / "models/model.onnx")
    val = load_faces(world / "data/prepared/val")
    best = json.loads((world / "reports/train/metrics.json").read_text())["val_nme"]
    assert validation_nme(val, model, info.crop) == pytest.approx(best, rel=1e-4)


def test_parity_passed_and_is_reported(world):
    parity = json.loads((world / "reports/export/parity.json").read_text())
    assert parity["passed"] is True and parity["crops"] > 0
    assert 0 < parity["max_abs_diff_px"] < 0.01
    assert 0 < parity["max_abs_diff_probability"] < 0.001


def test_the_model_that_was_trained_finds_a_face_with_either_backend(world, astronaut):
    answers = [
        Predictor(world / "models/model.onnx", backend=b)(astronaut)[0].points
        for b in ("onnx", "torch")
    ]
    np.testing.assert_allclose(*answers, atol=0.05)


def test_scores_name_sets_box_sources_and_the_mean_shape_baseline(world):
    scores = json.loads((world / "reports/evaluate/metrics.json").read_text())["synthetic"]
    figures = {"nme", "median", "auc", "failure_rate", "mean_shape_nme", "recall"}
    assert figures <= set(scores["annotation"])
    assert scores["end_to_end"]["faces"] == scores["annotation"]["faces"]
    assert scores["end_to_end"]["failure_rate"] >= scores["annotation"]["failure_rate"]
    assert scores["annotation"]["recall"] == 1.0
    with (world / "reports/evaluate/regions.csv").open() as file:
        header = next(csv.reader(file))
    assert header == ["set", "nme", "jaw", "brows", "nose", "eyes", "mouth"]


def test_pictures_of_the_reports_are_pictures(world):
    pictures = sorted((world / "reports").rglob("*.png"))
    assert {p.name for p in pictures} == {
        *("gallery.png", "ced.png", "bias.png", "confidence.png", "worst.png", "feature_maps.png"),
        *("scenes.png", "precision_recall.png", "recall.png", "worst_scenes.png", "groups.png"),
    }
    empty = world / "reports/prepare_unlabelled/gallery.png"  # there are no such photos
    assert all(cv2.imread(str(p)).std() > 10 for p in pictures if p != empty)


def test_one_mlflow_run_holds_the_whole_pipeline(world):
    client = mlflow.MlflowClient(f"sqlite:///{world / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fkd").experiment_id
    pipeline_runs = client.search_runs([experiment], "tags.key LIKE '%'")
    (run_,) = (run for run in pipeline_runs if "task" not in run.data.tags)
    assert run_.info.status == "FINISHED"
    assert run_.data.params["train.epochs"] == "2"
    assert len(client.get_metric_history(run_.info.run_id, "val/nme")) == 2
    metrics = {"test/synthetic/annotation/nme", "export/max_abs_diff_px", "val/best_nme"}
    assert metrics <= set(run_.data.metrics)
    folders = {f.path for f in client.list_artifacts(run_.info.run_id)}
    assert {"train", "evaluate", "export"} <= folders
    version = client.get_model_version_by_alias("fkd", "challenger")
    assert version.run_id == run_.info.run_id
    champion = client.get_model_version_by_alias("fkd", "champion")
    assert "the packaged base" in champion.description and champion.run_id != run_.info.run_id
    provenance = open_onnx(world / "models/model.onnx")[1].provenance
    assert provenance["run"] == run_.info.run_id and provenance["weights_licence"] == "MIT"


def test_the_detector_has_a_run_of_its_own_and_a_name_in_the_registry(world):
    client = mlflow.MlflowClient(f"sqlite:///{world / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fkd").experiment_id
    (run_,) = client.search_runs([experiment], "tags.task = 'detection'")
    assert run_.info.status == "FINISHED" and run_.data.params["train_detector.epochs"] == "2"
    assert len(client.get_metric_history(run_.info.run_id, "val/average_precision")) == 2
    figures = {"test/scenes/average_precision", "export/max_abs_diff", "evaluate/min_score"}
    assert figures <= set(run_.data.metrics)
    (version,) = client.search_model_versions("name = 'fkd-detector'")
    assert version.run_id == run_.info.run_id
    info = open_detector(world / "models/detector.onnx")[1]
    assert info.provenance["run"] == run_.info.run_id
    scored = json.loads((world / "reports/evaluate_detector/metrics.json").read_text())
    assert info.scores == scored["sets"] and info.min_score == scored["min_score"]


def test_the_exported_detector_finds_what_torch_does(world):
    parity = json.loads((world / "reports/export_detector/parity.json").read_text())
    assert parity["passed"] is True and parity["pictures"] > 0
    assert 0 < parity["max_abs_diff"] < 0.001


def test_fkd_parity_compares_the_two_files_in_pixels_and_in_probability(world):
    files = [str(world / "models" / name) for name in ("model.pt", "model.onnx")]
    faces = ["--faces", str(world / "data/prepared/test")]
    done = CliRunner().invoke(app, ["parity", *files, *faces])
    assert done.exit_code == 0 and " px, probabilities by " in done.stdout
    for option in ("--tolerance-px", "--tolerance-probability", "--tolerance-degrees"):
        strict = CliRunner().invoke(app, ["parity", *files, *faces, option, "0"])
        assert strict.exit_code == 1 and "differs from" in strict.stderr
    gone = CliRunner().invoke(app, ["parity", *files, "--faces", str(world / "gone")])
    assert gone.exit_code == 2 and "gone" in gone.stderr and "Traceback" not in gone.stderr


def test_fkd_score_of_the_exported_model_is_what_evaluate_says(world):
    """With the split of its own params.yaml."""
    arguments = [
        "score",
        str(world / "data/synthetic"),
        "--model",
        str(world / "models/model.onnx"),
    ]
    done = CliRunner().invoke(app, [*arguments, "--params", str(world / "params.yaml"), "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)["synthetic"]
    evaluated = json.loads((world / "reports/evaluate/metrics.json").read_text())["synthetic"]
    for source in ("annotation", "end_to_end"):
        for key in ("faces", "failure_rate", "auc"):
            assert figures[source][key] == pytest.approx(evaluated[source][key], abs=0.01)
    assert figures["annotation"]["nme"] == pytest.approx(evaluated["annotation"]["nme"], rel=1e-3)


def photos_with_points(folder: Path, recipe) -> Path:
    """A folder of twelve pictures with a .pts file beside each."""
    from fkd.synthetic.face import render_face

    folder.mkdir(parents=True)
    for i in range(12):
        grey, points, _ = render_face(recipe, i)
        cv2.imwrite(str(folder / f"p{i}.png"), grey)
        (folder / f"p{i}.pts").write_text(format_pts(points))
    return folder


@pytest.mark.slow
def test_synthetic_faces_are_mixed_with_photos_when_asked(tmp_path, recipe):
    photos_with_points(tmp_path / "data" / "mine", recipe)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    shutil.copytree(PROJECT / "data" / "synthetic", tmp_path / "data" / "synthetic")
    edited(tmp_path / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 9 # "})
    mixed = {
        "  root: data/synthetic": "  root: data/mine",
        "add_synthetic: false": "add_synthetic: true",
    }
    edited(tmp_path / "params.yaml", {**SMALL, **mixed})
    done = run("prepare", tmp_path)
    assert done.returncode == 0, done.stderr
    parts = [load_faces(tmp_path / "data/prepared" / p) for p in ("train", "val", "test")]
    subsets = [(face.subset, face.synthetic) for part in parts for face in part]
    assert Counter(subsets) == {("mine", False): 12, ("synthetic", True): 9}


def test_bad_rows_are_left_out_counted_and_listed(tmp_path, recipe):
    """Real layout, with one face of each kind of fault among good ones."""
    folder = photos_with_points(tmp_path / "data" / "mine", recipe)
    (folder / "p0.png").write_bytes(b"rubbish")
    (folder / "p1.pts").write_text("1 2\n")
    (folder / "p2.pts").write_text(format_pts(np.full((68, 2), np.nan)))
    (folder / "p3.png").unlink()
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    mine = {
        "  root: data/synthetic": "  root: data/mine",
        "test_root: data/synthetic": "test_root: data/mine",
    }
    edited(tmp_path / "params.yaml", {**SMALL, **mine})
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
        ({"  root: data/synthetic": "  root: data/gone"}, "prepare: data/gone: not a folder"),
        (
            {"min_face: 32": "min_face: small"},
            "prepare: params.yaml: prepare: min_face: 'small'",
        ),
    ],
)
def test_a_stage_that_cannot_work_stops_with_one_sentence(tmp_path, change, message):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    edited(tmp_path / "params.yaml", change)
    done = run("prepare", tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("prepare", "data/prepared/train"),
        ("train", "models/training-state.pt"),
        pytest.param("export", "models/model.onnx", marks=pytest.mark.slow),
        ("calibrate", "models/confidence.json"),
    ],
)
def test_a_full_disk_stops_a_stage_with_one_sentence_and_nothing_half_written(
    world, tmp_path, monkeypatch, capsys, small_files, stage, file
):
    folder = shutil.copytree(world, tmp_path / "world", ignore=shutil.ignore_patterns("mlflow*"))
    before = {path for path in folder.rglob("*") if path.is_file()}
    go_to(folder, monkeypatch)
    largest = 100 if stage == "calibrate" else 100_000
    # Not as a process of its own, which would import torch and MLflow again.
    with pytest.raises(SystemExit) as stopped, small_files(largest):
        runpy.run_path(str(PROJECT / "pipelines" / f"{stage}.py"), run_name="__main__")
    said = str(stopped.value.code)
    assert said.startswith((f"{stage}: {folder / file}", f"{stage}: {file}"))
    assert said.endswith("file too large") and len(said.splitlines()) == 1
    assert "Traceback" not in capsys.readouterr().err
    new = {path for path in folder.rglob("*") if path.is_file()} - before
    new -= {folder / RUNNING}  # whole, and names the run that a next training goes on with
    assert not {p for p in new if "mlflow" not in str(p)}


@pytest.mark.slow
def test_test_faces_of_another_root_are_prepared_beside_those_of_the_first(tmp_path, recipe):
    """Trained on synthetic faces, tested on a folder of photos too; none of those is trained on."""
    photos_with_points(tmp_path / "data" / "mine" / "test", recipe)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    shutil.copytree(PROJECT / "data" / "synthetic", tmp_path / "data" / "synthetic")
    edited(tmp_path / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 9 # "})
    other = {"  test_root: data/synthetic": "  test_root: data/mine"}
    edited(tmp_path / "params.yaml", {**SMALL, **other})
    done = run("prepare", tmp_path)
    assert done.returncode == 0, done.stderr
    by_part = {p: load_faces(tmp_path / "data/prepared" / p) for p in ("train", "val", "test")}
    subsets = {part: Counter(face.subset for face in faces) for part, faces in by_part.items()}
    assert subsets["test"]["mine"] == 12 and subsets["test"]["synthetic"] > 0
    assert "mine" not in subsets["train"] | subsets["val"]


def listed_files(stage: str) -> set[str]:
    """Every module of the stage's dependencies: the files it names, and those in its folders."""
    found: set[str] = set()
    for dependency in STAGES[stage]["deps"]:
        path = PROJECT / dependency
        inside = path.rglob("*.py") if path.is_dir() else [path]
        found |= {str(file.relative_to(PROJECT)) for file in inside if file.suffix == ".py"}
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_lists_holds_every_module_that_it_reaches(stage):
    """DVC does not follow imports; fkd/__init__.py only names the public API and is left out."""
    reached = closure(PROJECT / "pipelines" / f"{stage}.py")
    packages = {file for file in reached if file.endswith("__init__.py")}  # docstrings
    assert reached - packages <= listed_files(stage)


def test_training_depends_on_nothing_synthetic():
    assert not [d for d in STAGES["train"]["deps"] if "synthetic" in d]


UNUSED_BY_STAGES = (
    "inference/overlay.py",
    "inference/video",
    "inference/h264.py",
    "inference/sound.py",
    "inference/batch.py",
    "server/",
    "cli/",
)


@pytest.mark.parametrize("stage", STAGES)
def test_an_edit_of_overlay_video_server_or_cli_reruns_no_stage(stage):
    assert not [
        f for f in listed_files(stage) if f.removeprefix("fkd/").startswith(UNUSED_BY_STAGES)
    ]


def test_an_edit_of_report_pictures_or_of_the_export_reruns_no_training():
    """`prepare` draws its gallery with them, but its faces come out the same."""
    unused = {"fkd/evaluation/figures.py", "fkd/evaluation/report.py", "fkd/training/export.py"}
    assert not unused & listed_files("train")


def test_a_new_parameter_of_training_does_not_rerun_prepare():
    assert "fkd/training/params.py" not in listed_files("prepare")
    assert not [p for p in STAGES["prepare"]["params"] if p.startswith("train")]


def test_a_killed_training_goes_on_only_where_all_that_decides_its_weights_is_the_same():
    """The fingerprint covers all that the loop reaches, but reading and checking files."""
    covered = set(reached_files(PROJECT / path for path in DECIDES_WEIGHTS))
    reached = {f for f in closure(PROJECT / "fkd/training/loop/fit.py") if "__init__" not in f}
    rest = ("fkd/io/", "fkd/models/", "fkd/training/params.py", "fkd/training/checkpoint.py")
    rest += ("fkd/datasets/sample.py",)
    assert {f for f in reached if not f.startswith(rest)} <= covered
    assert "fkd/datasets/store.py" in covered and "fkd/inference/video.py" not in covered


@pytest.mark.parametrize("stage", STAGES)
def test_stage_script_and_params_section_have_one_name(stage):
    assert STAGES[stage]["cmd"] == f"python -m pipelines.{stage}"
    assert stage in STAGES[stage]["params"]
    assert stage in yaml.safe_load((PROJECT / "params.yaml").read_text())
