"""The report of a change: what DVC says of it, the run's address, and one page with everything."""

import base64
import shutil
import subprocess
import sys

import mlflow
import pytest
import yaml
from conftest import PROJECT

from pipelines import report
from pipelines.tracking.mlflow_store import run_link
from pipelines.tracking.outbox import Unreachable

PICTURE = PROJECT / "docs" / "astronaut.png"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one parameter and one metric, and the current folder."""
    (tmp_path / "params.yaml").write_text("train: {lr: 0.002}\n")
    (tmp_path / "metrics.json").write_text('{"nme": 4.5}')
    (tmp_path / "dvc.yaml").write_text(
        "stages: {s: {cmd: 'true', params: [train]}}\n"
        "metrics: [metrics.json]\nplots: [a.png, b.csv: {x: y}]\n"
    )
    for command in (
        "git init -q",
        "git -c user.name=a -c user.email=a@b add .",
        "git -c user.name=a -c user.email=a@b commit -qm first",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_says_what_changed_and_shows_the_pictures(repository, monkeypatch):
    (repository / "params.yaml").write_text("train: {lr: 0.003}\n")
    shutil.copy(PICTURE, repository / "a.png")
    monkeypatch.setattr(sys, "argv", ["report", "HEAD"])
    report.main()
    text = (repository / "report/report.md").read_text()
    assert "train.lr" in text and "0.002" in text and "0.003" in text
    assert text.partition("## Metrics")[2].startswith("\n\nNo change.")
    page = (repository / "report/report.html").read_text()
    assert "<td>train.lr</td>" in page and page.count("<img") == 1
    assert base64.b64encode(PICTURE.read_bytes()).decode() in page


def test_only_pictures_of_dvc_yaml_are_shown():
    plots = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
    shown = [str(path) for path in report.pictures_of(plots)]
    assert "reports/evaluate/ced.png" in shown and not [p for p in shown if p.endswith(".csv")]


def test_a_run_has_the_address_of_its_server_or_of_the_local_ui(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("e", artifact_location=tmp_path.as_uri())
    run = client.create_run(experiment).info.run_id
    assert run_link(run) == f"http://127.0.0.1:5000/#/experiments/{experiment}/runs/{run}"
    with pytest.raises(Unreachable):
        run_link("0" * 32)


def test_what_cannot_be_compared_is_one_sentence(repository, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["report", "nowhere"])
    with pytest.raises(report.ReportError, match="'nowhere' is not a revision"):
        report.main()
