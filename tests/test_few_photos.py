"""A user's own photos, from three on: every stage works, and what is too little is said."""

import importlib
import json
import os
import shutil
from pathlib import Path

import cv2
import mlflow
import pytest
import torch
import yaml
from conftest import PROJECT

from fkd.datasets.sample import BadDataset
from fkd.datasets.store import TABLE, load_faces
from fkd.io.pts import format_pts
from fkd.models.session import open_onnx
from fkd.synthetic.face import render_face

STAGES = ("prepare", "train", "calibrate", "evaluate", "export", "registry")
PARTS = ("train", "val", "test")


def main_of(stage: str) -> None:
    importlib.import_module(f"pipelines.{stage}").main()


def edited(path: Path, **sections: dict) -> None:
    """Change some keys of a YAML file, by section."""
    values = yaml.safe_load(path.read_text())
    for section, changes in sections.items():
        values[section].update(changes)
    path.write_text(yaml.safe_dump(values))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The project's parameters, for a short training on photos in data/mine."""
    for name in [n for n in os.environ if n.startswith(("DVC_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    for folder in ("synthetic", "benchmark"):
        shutil.copytree(PROJECT / "data" / folder, tmp_path / "data" / folder)
    benchmark = tmp_path / "data" / "benchmark" / "recipe.yaml"
    small = {"count": 3, "size": 80, "supersample": 1}
    benchmark.write_text(yaml.safe_dump({**yaml.safe_load(benchmark.read_text()), **small}))
    crop = yaml.safe_load((tmp_path / "params.yaml").read_text())["train"]["crop"]
    short = {"epochs": 1, "intra_op_threads": 1, "num_workers": 1, "crop": {**crop, "size": 64}}
    mine = {"root": "data/mine", "test_root": "data/mine"}
    prepare = {"min_face": 20, "num_workers": 1}
    edited(tmp_path / "params.yaml", data=mine, train=short, prepare=prepare)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add_photos(project: Path, recipe, count: int) -> None:
    """Photos with a .pts file beside each, p0 ..."""
    folder = project / "data" / "mine"
    folder.mkdir()
    for i in range(count):
        grey, points, _ = render_face(recipe, i)
        cv2.imwrite(str(folder / f"p{i}.png"), grey)
        (folder / f"p{i}.pts").write_text(format_pts(points))


def people(project: Path) -> dict[str, set[str]]:
    prepared = project / "data" / "prepared"
    return {part: {face.identity for face in load_faces(prepared / part)} for part in PARTS}


@pytest.mark.parametrize("count", [1, 2])
def test_two_photos_are_too_few_and_one_sentence_says_so(project, recipe, count):
    add_photos(project, recipe, count)
    with pytest.raises(BadDataset, match=f"data/mine: {count} people have a usable face"):
        main_of("prepare")


def test_where_everyone_of_a_part_is_rejected_the_others_are_split_anew(project, recipe):
    add_photos(project, recipe, 5)
    main_of("prepare")
    (alone,) = people(project)["val"]
    (project / "data" / "mine" / f"{alone}.png").write_bytes(b"rubbish")
    main_of("prepare")
    after = people(project)
    assert all(after.values()) and sum(map(len, after.values())) == 4
    summary = json.loads((project / "reports/prepare/summary.json").read_text())
    rejected = (project / "reports/prepare/rejected.csv").read_text().splitlines()
    assert summary["rejected"] == 1 and len(rejected) == 2 and rejected[1].startswith("mine,")


def test_what_was_rejected_is_listed_also_where_too_little_is_left(project, recipe):
    add_photos(project, recipe, 3)
    (project / "data" / "mine" / "p1.pts").write_text("1 2\n")
    with pytest.raises(BadDataset, match="2 people have a usable face, and none is left"):
        main_of("prepare")
    assert "mine,p1,1 points" in (project / "reports/prepare/rejected.csv").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 5, 20, 60])
def test_every_stage_works_on_a_few_photos(project, recipe, count, capsys):
    add_photos(project, recipe, count)
    threads = torch.get_num_threads()
    for stage in STAGES if count == 5 else STAGES[:4]:
        main_of(stage)
    torch.set_num_threads(threads)
    assert sum(map(len, people(project).values())) == count
    calibrated = json.loads((project / "reports/calibrate/metrics.json").read_text())
    assert "too few to measure the score's threshold" in calibrated["note"]
    assert "calibrate: " in capsys.readouterr().err
    if count == 5:
        assert open_onnx(project / "models" / "model.onnx")[1].min_score is not None


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "damaged"), [("calibrate", "val"), ("evaluate", "train")])
def test_a_stage_that_fails_fails_its_run_and_mends_it_when_it_succeeds(
    project, recipe, stage, damaged
):
    add_photos(project, recipe, 3)
    threads = torch.get_num_threads()
    for before in STAGES[: STAGES.index(stage)]:
        main_of(before)

    def status() -> str:
        client = mlflow.MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("fkd").experiment_id
        (run,) = client.search_runs([experiment])
        return run.info.status

    table = project / "data" / "prepared" / damaged / TABLE
    whole = table.read_bytes()
    table.write_bytes(b"")
    with pytest.raises(BadDataset):
        main_of(stage)
    assert status() == "FAILED"
    table.write_bytes(whole)
    main_of(stage)
    assert status() == "FINISHED"
    torch.set_num_threads(threads)
