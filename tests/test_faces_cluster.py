"""The stages on two machines with addresses of their own, of which one is lost, and with shards in
a store: `make test-cluster`."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest
from conftest import PROJECT
from machines import (
    TOKEN,
    Machine,
    environment,
    lose,
    processes,
    ray_nodes,
    s3_store,
    two_machines,
)
from test_pipeline import SMALL, SMALL_RECIPE, edited

from fkd.datasets.shards import SUFFIX
from fkd.datasets.store import load_faces

SECONDS = 900  # for a stage
EPOCHS = 6


@pytest.fixture(scope="module", autouse=True)
def ray_is_there() -> None:
    pytest.importorskip("ray", reason="needs the extra `cluster`")


def project(folder: Path, changes: dict[str, str]) -> Path:
    """A folder with a tiny pipeline of which nothing has run. changes: of params.yaml."""
    folder.mkdir()
    shutil.copy(PROJECT / "params.yaml", folder)
    for faces, count in (("synthetic", 120), ("benchmark", 5)):
        shutil.copytree(PROJECT / "data" / faces, folder / "data" / faces)
        small = {**SMALL_RECIPE, "count: ": f"count: {count} # "}
        edited(folder / "data" / faces / "recipe.yaml", small)
    few = {"  faces_per_shard: 1000": "  faces_per_shard: 4"}
    edited(folder / "params.yaml", {**SMALL, **few, **changes})
    return folder


def started(stage: str, folder: Path, inside: tuple[str, ...] = (), **more: str):
    """A stage that runs; what it says goes to a file."""
    with (folder / f"{stage}.log").open("w") as log:
        return subprocess.Popen(
            [*inside, sys.executable, "-m", f"pipelines.{stage}"],
            env=environment(**more), cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip


def ended(stage: str, folder: Path, running: subprocess.Popen) -> None:
    assert running.wait(SECONDS) == 0, (folder / f"{stage}.log").read_text()


def wait_for(text: str, stage: str, folder: Path, running: subprocess.Popen) -> None:
    log = folder / f"{stage}.log"
    deadline = time.monotonic() + SECONDS
    while text not in log.read_text():
        assert running.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def shards_in(folder: Path) -> dict[str, bytes]:
    return {f"{p.parent.name}/{p.name}": p.read_bytes() for p in folder.rglob(f"*{SUFFIX}")}


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """A project whose faces this machine prepared, without Ray."""
    folder = project(tmp_path_factory.mktemp("here") / "project", {})
    for stage in ("prepare", "prepare_unlabelled"):
        ended(stage, folder, started(stage, folder))
    assert len(shards_in(folder)) >= 20
    return folder


@pytest.mark.slow
def test_a_machine_lost_while_faces_go_to_a_store_leaves_the_shards_of_one_machine(here, tmp_path):
    pytest.importorskip("s3fs", reason="needs s3fs: `make test-cluster`")
    to_store = {'  store: ""': "  store: s3://photos/faces", "  engine: local": "  engine: ray"}
    folder = project(tmp_path / "project", to_store)
    (tmp_path / "weed").mkdir()
    with contextlib.ExitStack() as machines:
        first, second = machines.enter_context(two_machines())
        store = machines.enter_context(s3_store(tmp_path / "weed", first))
        keys = {**store, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        address = machines.enter_context(ray_nodes((first, second), tmp_path, **keys))
        of = {**TOKEN, **keys, "RAY_ADDRESS": address}
        running = started("prepare", folder, first.inside, **of)
        wait_for("train: 12 of", "prepare", folder, running)
        lose(second)
        ended("prepare", folder, running)
        copy = f"from pyarrow import fs; fs.copy_files('s3://photos/faces', {str(tmp_path)!r})"
        copying = [*first.inside, sys.executable, "-c", copy]
        subprocess.run(copying, env=environment(**keys), check=True)
    assert not shards_in(folder)
    for part in ("train", "val", "test"):
        assert shards_in(tmp_path / part) == shards_in(here / "data/prepared" / part)
        kept, made = load_faces(here / "data/prepared" / part), load_faces(tmp_path / part)
        assert kept.columns.keys() == made.columns.keys()
        for key, column in kept.columns.items():
            np.testing.assert_array_equal(made.columns[key], column, key)


@pytest.mark.slow
def test_a_training_on_two_machines_loses_a_process_goes_on_and_is_registered_once(here, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(here, folder)
    together = {"  engine: local\n  world_size: 1": "  engine: ray\n  world_size: 2"}
    edited(folder / "params.yaml", {**together, "  epochs: 2": f"  epochs: {EPOCHS}"})
    with (
        two_machines() as (first, second),
        ray_nodes((first, second), tmp_path, GLOO_SOCKET_IFNAME="eth0") as address,
    ):
        of = {**TOKEN, "RAY_ADDRESS": address, "GLOO_SOCKET_IFNAME": "eth0"}
        running = started("train", folder, first.inside, **of)
        wait_for("epoch 2/", "train", folder, running)
        (trains,) = named("RayTrainWorker", second)
        os.kill(trains, signal.SIGKILL)
        ended("train", folder, running)
    for stage in ("calibrate", "evaluate", "export", "registry"):
        ended(stage, folder, started(stage, folder))
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fkd").experiment_id
    (run,) = client.search_runs([experiment], "params.`train.world_size` = '2'")
    assert run.info.status == "FINISHED"
    epochs = client.get_metric_history(run.info.run_id, "val/nme")
    assert [record.step for record in epochs] == list(range(EPOCHS))
    (version,) = client.search_model_versions(f"run_id = '{run.info.run_id}' and name = 'fkd'")
    assert version.run_id == run.info.run_id


def named(name: str, machine: Machine) -> list[int]:
    """The processes of a machine with a name in the words that started them."""
    files = {pid: Path(f"/proc/{pid}/cmdline") for pid in processes(machine)}
    return [pid for pid, file in files.items() if name in file.read_text()]
