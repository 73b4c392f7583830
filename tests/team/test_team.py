"""What a team does, with its real servers: PostgreSQL, SeaweedFS, an MLflow server."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import mlflow
import pytest
import yaml
from conftest import ASTRONAUT
from members import Member, commit, free_ports, git, new_member, new_origin, wait_until

from deploy.postgres import start_postgres
from deploy.processes import listens, running, stop
from deploy.settings import MLFLOW_BUCKET, PORTS, Team, load_team, read_env
from deploy.team import (
    MLFLOW,
    SEAWEED,
    SERVE,
    down,
    s3_client,
    start_mlflow,
    start_seaweed,
    start_serve,
)
from fkd import Predictor

psycopg2 = pytest.importorskip("psycopg2", reason="needs `make test-team`")

for package in ("boto3", "dvc_s3"):
    pytest.importorskip(package, reason="needs `make test-team`")
POSTGRES = shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
WEED = (Path(sys.executable).parent / "weed").is_file()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (POSTGRES and WEED), reason="no servers: run `make test-team`"),
]
EPOCHS = 30


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """Stores and MLflow server at free ports; all must stop at the end."""
    data = Path(tempfile.mkdtemp())
    data.chmod(0o755)  # PostgreSQL may run as another user
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEAM_DATA", str(data))
        for name in [n for n in os.environ if n.startswith(("DVC_", "MLFLOW_"))]:
            patch.delenv(name)
        names = [name for name in read_env(PORTS) if name.endswith("_PORT")]
        for name, port in zip(names, free_ports(len(names)), strict=True):
            patch.setenv(name, str(port))
        team = load_team()
        try:
            start_postgres(team)
            start_seaweed(team)
            start_mlflow(team)
            mlflow.set_tracking_uri(team.mlflow)
            patch.setenv("MLFLOW_TRACKING_URI", team.mlflow)
            patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
            yield team
        finally:
            down(team)
        assert not [name for name in (SEAWEED, MLFLOW, SERVE) if running(name, data)]
        assert not [port for port in team.ports.values() if listens("127.0.0.1", port)]
        shutil.rmtree(data)


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    """The project's git repository, with a tiny pipeline of which nothing has run."""
    return new_origin(tmp_path_factory.mktemp("origin"))


@pytest.fixture(scope="module")
def alice(team, origin, tmp_path_factory) -> Member:
    """A member who has run the pipeline, and pushed code and data."""
    member = new_member(team, origin, tmp_path_factory.mktemp("alice") / "fkd")
    member.run("dvc", "repro")
    commit(member.folder, "the first results")
    member.run("dvc", "push")
    git(member.folder, "push", "-q", "origin", "HEAD:main")
    return member


@pytest.fixture(scope="module")
def bob(alice, team, origin, tmp_path_factory) -> Member:
    """Another member, with a fresh clone."""
    return new_member(team, origin, tmp_path_factory.mktemp("bob") / "fkd")


def client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient()


def pipeline_runs() -> list:
    """The runs of trainings of the landmark network, the latest first."""
    experiment = client().get_experiment_by_name("fkd").experiment_id
    runs = client().search_runs([experiment], "params.`train.network` = 'nano'")
    return [run for run in runs if "task" not in run.data.tags]


def told_epochs(run_id: str) -> list[int]:
    return sorted(m.step for m in client().get_metric_history(run_id, "val/nme"))


def test_the_pipeline_is_logged_to_postgresql_and_s3_with_its_data_sets(alice, team):
    [run] = pipeline_runs()
    assert run.info.status == "FINISHED" and len(told_epochs(run.info.run_id)) == 2
    database = psycopg2.connect(
        host="127.0.0.1",
        port=team.ports["POSTGRES_PORT"],
        user="mlflow",
        dbname="mlflow",
        password=team.secrets["POSTGRES_PASSWORD"],
    )
    with database, database.cursor() as cursor:
        cursor.execute("select status from runs where run_uuid = %s", (run.info.run_id,))
        assert cursor.fetchall() == [("FINISHED",)]
    database.close()
    stored = s3_client(team).list_objects_v2(Bucket=MLFLOW_BUCKET)["Contents"]
    keys = [each["Key"] for each in stored]
    assert any(key.endswith(f"{run.info.run_id}/artifacts/export/model.onnx") for key in keys)
    assert any(key.endswith("artifacts/artifacts/model.onnx") for key in keys)

    lock = yaml.safe_load((alice.folder / "dvc.lock").read_text())["stages"]["prepare"]["outs"]
    digests = {out["path"]: out["md5"] for out in lock if "nfiles" in out}
    inputs = {each.dataset.digest: each.tags[0].value for each in run.inputs.dataset_inputs}
    parts = {"train": "training", "val": "validation", "test": "testing"}
    assert inputs == {digests[f"data/prepared/{part}"]: of for part, of in parts.items()}
    found = client().search_runs(
        [run.info.experiment_id], f"dataset.digest = '{digests['data/prepared/train']}'"
    )
    assert [each.info.run_id for each in found] == [run.info.run_id]
    description = run.data.tags["mlflow.note.content"]
    assert "### What this is\nTraining of the network `nano`" in description
    assert "| synthetic | annotation |" in description and "### In the registry" in description


def test_a_fresh_clone_pulls_data_and_models_and_has_nothing_to_do(bob):
    assert not (bob.folder / "models").exists() and not (bob.folder / "data/prepared").exists()
    bob.run("dvc", "pull")
    assert (bob.folder / "models/model.onnx").is_file()
    assert "Data and pipelines are up to date" in bob.run("dvc", "repro")
    assert "modified" not in bob.run("git", "status")


def test_the_champion_is_loaded_and_served_by_its_name_alone(alice, team, tmp_path):
    loaded = mlflow.pyfunc.load_model("models:/fkd@champion")
    [row] = loaded.predict([{"image": ASTRONAUT.read_bytes()}])
    [face] = Predictor("base", detector="neural")(str(ASTRONAUT))  # the first champion
    assert row["faces"] == [face.to_dict()]

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/fkd@champion"]
    command += ["--env-manager", "local", "--port", str(port), "--host", "127.0.0.1"]
    with (tmp_path / "log").open("w") as log:
        serving = subprocess.Popen(
            command, cwd=tmp_path, env=alice.environment, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: serving.poll() is not None or answers(f"http://127.0.0.1:{port}/ping"))
        assert serving.poll() is None, (tmp_path / "log").read_text()
        photo = base64.b64encode(ASTRONAUT.read_bytes()).decode()
        body = {"dataframe_split": {"columns": ["image"], "data": [[photo]]}}
        answer = httpx.post(f"http://127.0.0.1:{port}/invocations", json=body, timeout=60)
        assert answer.json() == {"predictions": [row]}
    finally:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.wait(60)
    record = json.loads(
        alice.run(
            *("fkd", "infer", str(ASTRONAUT), "--json", "--detector", "neural"),
            *("--model", "models:/fkd@champion"),
        )
    )
    number = client().get_model_version_by_alias("fkd", "champion").version
    assert record["model"] == f"models:/fkd/{number}" and record["faces"] == row["faces"]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def change_epochs(member: Member, epochs: int, seed: int) -> None:
    """Another number of epochs, and another start, so that DVC does not know the result."""
    file = member.folder / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params["train"] |= {"epochs": epochs, "seed": seed}
    file.write_text(yaml.safe_dump(params, sort_keys=False))


def test_a_training_goes_on_while_the_server_is_killed_and_the_run_has_every_epoch(bob, team):
    before = {run.info.run_id for run in pipeline_runs()}
    change_epochs(bob, EPOCHS, seed=1)
    training = bob.start("dvc", "repro", "calibrate")
    wait_until(lambda: len(pipeline_runs()) > len(before))
    [run_id] = {run.info.run_id for run in pipeline_runs()} - before
    wait_until(lambda: len(told_epochs(run_id)) > 1)
    assert len(told_epochs(run_id)) < EPOCHS - 2
    stop(MLFLOW, team.data, kill=True)
    outbox = bob.folder / "mlflow-outbox" / run_id / "records.jsonl"
    wait_until(lambda: outbox.is_file() and outbox.read_text().count("val/nme") > 2)
    start_mlflow(team)
    assert training.wait(900) == 0, (bob.folder / "output.txt").read_text()
    bob.run("python", "-m", "pipelines.tracking")
    steps = (bob.folder / "reports/train/history.csv").read_text().splitlines()[1:]
    assert told_epochs(run_id) == [int(row.split(",")[0]) for row in steps]
    assert len(steps) == EPOCHS
    assert client().get_run(run_id).info.status == "FINISHED"


def test_the_run_of_a_killed_training_is_closed_by_the_one_that_goes_on(bob, team):
    before = {run.info.run_id for run in pipeline_runs()}
    change_epochs(bob, EPOCHS, seed=2)
    training = bob.start("python", "-m", "pipelines.train")
    wait_until(lambda: len(pipeline_runs()) > len(before))
    [killed] = {run.info.run_id for run in pipeline_runs()} - before
    wait_until(lambda: len(told_epochs(killed)) > 1)
    training.kill()
    training.wait()
    assert client().get_run(killed).info.status == "RUNNING"
    bob.run("python", "-m", "pipelines.train")
    [going_on] = {run.info.run_id for run in pipeline_runs()} - before - {killed}
    first, second = client().get_run(killed), client().get_run(going_on)
    assert first.info.status == "KILLED" and first.data.tags["continued_by"] == going_on
    assert second.info.status == "FINISHED" and second.data.tags["continues"] == killed
    assert told_epochs(going_on) == sorted(set(told_epochs(going_on)))
    assert len(told_epochs(going_on)) == EPOCHS
    assert f"runs/{killed})" in second.data.tags["mlflow.note.content"]


CHOOSES = """
import sys, time
from pathlib import Path
from fkd.evaluation.champion import benchmark_faces, nme_of
from fkd.models.zoo import PACKAGED
from pipelines.registry import settle_version
from pipelines.tracking import new_run

name, ready, go = sys.argv[1], *map(Path, sys.argv[2:])
faces = benchmark_faces(Path("data/benchmark"))
nme = nme_of(PACKAGED[name], faces)
with new_run({"registers": name}) as run:
    run.register(PACKAGED[name])
    ready.touch()
    while not go.exists():
        time.sleep(0.01)
    print(settle_version(run.id, nme, True, faces, "data/benchmark"))
    print(nme)
"""


def test_two_members_register_at_once_and_there_is_one_champion_the_better(
    alice, bob, team, tmp_path
):
    [first] = [run for run in pipeline_runs() if run.data.tags.get("data") and registered(run)]
    worst = registered(first)
    alice.run("python", "-m", "pipelines.champion", "promote", worst, "--reason", "the start")
    go = tmp_path / "go"
    with ThreadPoolExecutor() as threads:
        jobs = []
        for member, name in ((alice, "nano"), (bob, "base")):
            ready = tmp_path / name
            code = ("python", "-c", CHOOSES, name, str(ready), str(go))
            jobs.append(threads.submit(member.run, *code))
        wait_until(lambda: (tmp_path / "nano").exists() and (tmp_path / "base").exists())
        go.touch()
        said = [job.result().strip().splitlines()[-2:] for job in jobs]
    nme = {name: float(lines[1]) for name, lines in zip(("nano", "base"), said, strict=True)}
    better = min(nme, key=nme.__getitem__)
    champion = client().get_model_version_by_alias("fkd", "champion")
    assert client().get_run(champion.run_id).data.tags["registers"] == better
    # Whoever came second was compared with the first, not with the champion of before.
    decisions = "\n".join(lines[0] for lines in said)
    other = "nano" if better == "base" else "base"
    if f"champion {nme[other]:.3f} %" in decisions:
        assert decisions.count("is champion: ") == 2
    else:
        assert f"champion {nme[better]:.3f} %" in decisions and "is challenger: " in decisions
    assert not client().search_registered_models("name = 'fkd-choosing-champion'")


def registered(run) -> str:
    """The number of the version that a run has registered, "" for none."""
    found = client().search_model_versions(f"name = 'fkd' and run_id = '{run.info.run_id}'")
    return found[0].version if found else ""


def test_the_server_changes_to_a_new_champion_without_a_restart_or_a_lost_request(alice, team):
    start_serve(team)
    photo = ASTRONAUT.read_bytes()

    def answered() -> str:
        answer = httpx.post(f"{team.serve}/v1/landmarks", content=photo, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["model"]

    before = answered()
    other = "1" if before != "models:/fkd/1" else "2"
    alice.run("python", "-m", "pipelines.champion", "promote", other, "--reason", "to be followed")
    begun, versions = time.monotonic(), [before]
    while versions[-1] == before:
        assert time.monotonic() - begun < 60
        versions.append(answered())
    assert versions[-1] == f"models:/fkd/{other}"
    log = (team.data / "logs" / "fkd-serve.log").read_text()
    assert f"models:/fkd@champion is models:/fkd/{other} now" in log


def test_a_member_pushes_a_change_and_another_pulls_its_results(alice, bob):
    bob.run("git", "checkout", "-q", "HEAD", "--", ".")
    bob.run("dvc", "checkout", "--force")
    change_epochs(bob, 3, seed=5)
    bob.run("dvc", "repro", "registry")
    who = ("-c", "user.name=bob", "-c", "user.email=bob@example.org")
    bob.run("git", *who, "commit", "-q", "--no-verify", "-am", "three epochs")
    bob.run("dvc", "push")
    bob.run("git", "push", "-q", "origin", "HEAD:main")
    alice.run("git", "pull", "-q", "origin", "main")
    alice.run("dvc", "pull")
    assert "up to date" in alice.run("dvc", "repro", "registry")
    weights = [Path(m.folder, "models/model.onnx").read_bytes() for m in (alice, bob)]
    assert weights[0] == weights[1]
