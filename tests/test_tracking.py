"""MLflow runs in a store of their own; trouble is said and does not stop the work."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import mlflow
import pytest
import yaml
from conftest import PROJECT

from fkd.evaluation.champion import benchmark_faces, decide, nme_of
from fkd.models.zoo import PACKAGED
from pipelines import registry
from pipelines.champion import main as champion_by_hand
from pipelines.resume import take_over
from pipelines.tracking import Run, new_run, resumed_run
from pipelines.tracking.__main__ import main as send_what_waits
from pipelines.tracking.choosing import LOCK, choosing
from pipelines.tracking.data_sets import TRAINING, data_set
from pipelines.tracking.mlflow_store import SECONDS, TIMEOUT, connect, tracking_uri
from pipelines.tracking.open_runs import FOLDER as OPEN_RUNS
from pipelines.tracking.outbox import FOLDER, PATIENCE, say


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An MLflow database that this module's tests share: making one takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    patch = pytest.MonkeyPatch()
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.setenv("DVC_ROOT", str(folder))
    patch.setenv("DVC_EXP_NAME", "brave-test")
    yield folder
    patch.undo()


def client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri())


def test_a_run_is_kept_with_its_numbers_tags_and_files(store, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with new_run({"data_fingerprint": "abc"}) as run:
        run.params({"train.lr": 0.1})
        run.params({"train.lr": 0.2})  # MLflow refuses to change one; the first stays
        run.metrics({"val": 5.0}, step=0)
        run.metrics({"val": 4.0}, step=1)
        run.files([tmp_path / "a.txt"], "report")
    kept = client().get_run(run.id)
    assert kept.info.status == "FINISHED" and kept.info.run_name == "brave-test"
    assert kept.data.params == {"train.lr": "0.1"}
    assert [m.value for m in client().get_metric_history(run.id, "val")] == [5.0, 4.0]
    assert kept.data.tags["data_fingerprint"] == "abc" and "git_commit" in kept.data.tags
    assert [f.path for f in client().list_artifacts(run.id, "report")] == ["report/a.txt"]
    assert (store / "mlflow.db").is_file() and (store / "mlartifacts").is_dir()


def test_a_resumed_run_goes_on_in_the_same_run(store):
    with new_run({}) as first:
        pass
    with resumed_run(first.id) as again:
        again.metrics({"late": 1.0})
    assert again.id == first.id
    assert client().get_run(first.id).data.metrics == {"late": 1.0}
    assert client().get_run(first.id).info.status == "FINISHED"


def test_a_run_that_the_store_does_not_know_is_a_new_one_tagged_as_restored(store, capsys):
    with resumed_run("0" * 32) as run:
        pass
    assert run.id != "0" * 32
    assert client().get_run(run.id).data.tags["restored_from"] == "0" * 32
    assert "is not in this store" in capsys.readouterr().err


def test_another_experiment_does_not_change_the_run_that_trained(store, monkeypatch):
    with new_run({}) as trained:
        trained.metrics({"nme": 5.0})
    monkeypatch.setenv("DVC_EXP_NAME", "only-evaluates")
    with resumed_run(trained.id) as again:
        again.metrics({"nme": 4.0})
    assert again.id != trained.id
    assert client().get_run(trained.id).data.metrics == {"nme": 5.0}
    assert client().get_run(again.id).data.tags["restored_from"] == trained.id


def test_an_error_marks_the_run_as_failed_and_goes_on_up(store):
    with pytest.raises(RuntimeError, match="boom"), new_run({}) as run:
        raise RuntimeError("boom")
    assert client().get_run(run.id).info.status == "FAILED"


def test_a_file_that_is_missing_is_said_and_the_work_goes_on(store, capsys):
    with new_run({}) as run:
        run.files([Path("/nowhere/at/all.txt")], "report")
    assert "MLflow: /nowhere/at/all.txt was not recorded" in capsys.readouterr().err
    assert client().get_run(run.id).info.status == "FINISHED"


def test_the_run_of_a_killed_training_is_closed_and_linked_with_the_one_that_goes_on(
    store, tmp_path, monkeypatch
):
    files = _, state = tmp_path / "run.txt", tmp_path / "state.pt"
    with monkeypatch.context() as patch:
        patch.setattr(Run, "end", lambda self, status: None)  # as when the process is killed
        with new_run({}) as first:
            take_over(first, *files, "these inputs")
            state.write_text("state")
    assert client().get_run(first.id).info.status == "RUNNING"
    with new_run({}) as second:
        take_over(second, *files, "these inputs")
    with new_run({}) as other:
        take_over(other, *files, "other inputs")
    one, two, three = (client().get_run(run.id) for run in (first, second, other))
    assert one.info.status == "KILLED" and one.data.tags["continued_by"] == second.id
    assert two.info.status == "FINISHED" and two.data.tags["continues"] == first.id
    assert "continues" not in three.data.tags


def test_a_line_about_tracking_has_nothing_that_a_terminal_obeys(capsys):
    say("run \x1b[2J\nis not in this store")
    assert capsys.readouterr().err == "MLflow: run \\x1b[2J\\nis not in this store\n"


def test_what_the_store_refuses_for_good_is_said_and_does_not_block_the_rest(store, capsys):
    with new_run({}) as run:
        run.metrics({"not / a : name !": 1.0})
        run.metrics({"nme": 2.0})
    assert "MLflow: metrics was not recorded" in capsys.readouterr().err
    assert client().get_run(run.id).data.metrics == {"nme": 2.0}


@pytest.fixture
def deaf():
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def refused() -> str:
    """The address of a server that is gone."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_stage_loses_seconds_to_a_deaf_store_says_so_once_and_all_is_sent_to_one_run(
    store, deaf, tmp_path, monkeypatch, capsys
):
    assert 3 * SECONDS <= 15 and 1 / PATIENCE <= 0.02
    monkeypatch.setenv(TIMEOUT, "1")
    report = tmp_path / "report.txt"
    report.write_text("of the first stage")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", deaf)
    begun = time.monotonic()
    with new_run({"data": "some"}) as run:
        run.params({"train.lr": 0.1})
        for epoch in range(30):
            run.metrics({"loss": 30.0 - epoch}, epoch)
        run.files([report], "train")
    assert time.monotonic() - begun < 5  # three calls, and room
    assert capsys.readouterr().err.count("MLflow") == 1
    report.write_text("of the second stage")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", refused())
    with resumed_run(run.id) as second:
        second.metrics({"calibrated": 1.0})
    assert "connection refused" in capsys.readouterr().err

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with resumed_run(run.id) as third:
        third.metrics({"nme": 4.0})
    kept = client().get_run(third.id)
    history = client().get_metric_history(third.id, "loss")
    assert [(m.step, m.value) for m in history] == [(i, 30.0 - i) for i in range(30)]
    assert history[-1].timestamp >= history[0].timestamp > 0
    assert kept.data.params == {"train.lr": "0.1"} and kept.info.status == "FINISHED"
    assert kept.data.metrics["calibrated"] == 1.0 and kept.data.metrics["nme"] == 4.0
    stored = client().download_artifacts(third.id, "train/report.txt", str(tmp_path))
    assert Path(stored).read_text() == "of the first stage"
    everywhere = client().search_runs([kept.info.experiment_id], "metrics.calibrated = 1")
    assert [found.info.run_id for found in everywhere] == [third.id]
    assert not list((store / FOLDER).iterdir())


def test_after_one_call_that_took_too_long_the_rest_is_sent_while_the_training_goes_on(
    store, deaf, monkeypatch
):
    monkeypatch.setenv(TIMEOUT, "1")
    monkeypatch.setattr("pipelines.tracking.outbox.PATIENCE", 2.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", deaf)
    with new_run({"data": "after a slow call"}) as run:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        run.metrics({"loss": 3.0}, 0)  # too early for another try
        assert not client().search_runs(["1"], "tags.data = 'after a slow call'")
        time.sleep(3)
        run.metrics({"loss": 2.0}, 1)
        [sent] = client().search_runs(["1"], "tags.data = 'after a slow call'")
        history = client().get_metric_history(sent.info.run_id, "loss")
        assert sent.info.status == "RUNNING" and [m.value for m in history] == [3.0, 2.0]
        assert not list((store / FOLDER).iterdir())


def test_what_waits_is_sent_by_a_command(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refused())
    with new_run({"data": "sent by hand"}) as run:
        run.metrics({"nme": 7.0})
    with pytest.raises(SystemExit) as refusing:
        send_what_waits()
    assert refusing.value.code == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    send_what_waits()
    [sent] = client().search_runs(["1"], "tags.data = 'sent by hand'")
    assert sent.data.metrics == {"nme": 7.0} and sent.info.status == "FINISHED"
    assert sent.data.tags["key"] == run.id
    assert not list((store / FOLDER).iterdir())


def test_a_run_id_that_is_a_path_leads_to_no_folder(store, tmp_path, monkeypatch):
    (store / "precious").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refused())
    for name in ("../precious", "", "/etc", "a' or 'a' = 'a"):
        with resumed_run(name) as run:
            assert run.id.startswith("unnamed-")
    assert (store / "precious").is_dir()
    waiting = sorted(path.name for path in (store / FOLDER).iterdir())
    assert len(waiting) == 4 and all(name.startswith("unnamed-") for name in waiting)


def test_stages_of_a_checkpoint_from_elsewhere_share_one_run(store):
    ids = []
    for stage in ("calibrate", "evaluate", "export"):
        with resumed_run("f" * 32) as run:
            run.metrics({stage: 1.0})
            ids.append(run.id)
    assert len(set(ids)) == 1
    assert set(client().get_run(ids[0]).data.metrics) == {"calibrate", "evaluate", "export"}


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle_gets_all_when_it_is_back(
    store, tmp_path, monkeypatch
):
    address = refused()
    port = address.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", port, "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    report = tmp_path / "report.txt"
    report.write_text("hello")

    def started() -> subprocess.Popen:
        server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                return server
            except OSError:
                time.sleep(0.5)
        raise AssertionError("the server did not start")

    server = started()
    with new_run({}) as run:
        trained = run.id
        run.metrics({"loss": 0.0}, 0)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        for epoch in range(1, 5):
            run.metrics({"loss": float(epoch)}, epoch)
        run.files([report], "train")
    assert run.id == trained
    server = started()
    with resumed_run(trained) as last:
        last.metrics({"nme": 4.0})
    assert last.id == trained
    values = [m.value for m in client().get_metric_history(trained, "loss")]
    files = [f.path for f in client().list_artifacts(trained, "train")]
    os.killpg(server.pid, signal.SIGKILL)
    assert values == [0.0, 1.0, 2.0, 3.0, 4.0] and files == ["train/report.txt"]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory, recipe) -> Path:
    """A folder that renders a few faces."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "recipe.yaml").write_text(
        yaml.safe_dump(recipe.model_copy(update={"count": 6}).model_dump(mode="json"))
    )
    return folder


def champion() -> Any:
    return client().get_model_version_by_alias("fkd", "champion")


def settled(model: str, faces: list, passed: bool = True) -> Any:
    """The version that the stages export and registry make of a packaged model."""
    with new_run({"data": model}) as run:
        run.register(PACKAGED[model])
        registry.settle_version(run.id, nme_of(PACKAGED[model], faces), passed, faces, "bench")
    [version] = client().search_model_versions(f"run_id = '{run.id}'")
    return version


def test_the_champion_is_the_best_on_one_benchmark_or_was_chosen_by_hand_with_a_reason(
    store, benchmark, monkeypatch, capsys
):
    def by_hand(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["champion", *arguments])
        with pytest.raises(SystemExit) as done:
            champion_by_hand()
        assert not done.value.code

    faces = benchmark_faces(benchmark)
    base, nano = (nme_of(PACKAGED[name], faces) for name in ("base", "nano"))
    assert base < nano
    worse = settled("nano", faces)
    assert "packaged base" in champion().description
    first = client().get_run(champion().run_id)
    assert "The packaged base model" in first.data.tags["mlflow.note.content"]
    assert f"challenger: NME {nano:.3f} %, champion {base:.3f} %" in worse.description

    by_hand("promote", str(worse.version), "--reason", "smaller")
    assert champion().version == worse.version
    assert champion().description.endswith("champion: by hand, smaller")
    unsound = settled("base", faces, passed=False)
    assert "torch and ONNX differ" in unsound.description
    assert champion().version == worse.version
    better = settled("base", faces)
    assert champion().version == better.version
    assert f"champion: NME {base:.3f} %, champion {nano:.3f} %" in better.description

    by_hand("revert", "--reason", "too large")
    assert champion().version == worse.version
    assert champion().description.endswith("champion: by hand, reverted: too large")
    by_hand("show")
    assert "by hand, smaller" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("candidate", "leading", "passed", "leads"),
    [
        (5.0, 5.1, True, True),
        (5.1, 5.0, True, False),
        (5.0, 5.0, True, False),
        (5.0, 5.1, False, False),
        (5.0, None, True, True),
        (5.0, None, False, False),
    ],
)
def test_the_lower_score_leads_where_torch_and_onnx_agree(candidate, leading, passed, leads):
    assert decide(candidate, leading, passed).leads is leads


def test_of_two_who_choose_at_once_one_waits_and_one_who_was_killed_is_not_waited_for(
    store, monkeypatch
):
    with new_run({}):
        connected = connect()
    order = []

    def choose(name: str) -> None:
        with choosing(connected):
            order.append(f"{name} in")
            time.sleep(0.3)
            order.append(f"{name} out")

    threads = [Thread(target=choose, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])
    connected.create_registered_model(LOCK)  # as one who was killed leaves it
    monkeypatch.setattr("pipelines.tracking.choosing.PATIENCE_SECONDS", 0.5)
    begun = time.monotonic()
    choose("c")
    assert 0.5 < time.monotonic() - begun < 10 and order[-1] == "c out"
    assert not connected.search_registered_models(f"name = '{LOCK}'")


def test_all_runs_on_one_data_set_are_found_by_the_digest_of_the_lock(store, tmp_path, monkeypatch):
    outs = [{"path": "data/prepared/train", "md5": "0123.dir"}]
    lock = {"schema": "2.0", "stages": {"prepare": {"outs": outs}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    monkeypatch.chdir(tmp_path)
    folder = Path("data/prepared/train")
    by_hand = data_set(folder, TRAINING, ["a", "b", "a"], "fingerprint")
    monkeypatch.setenv("DVC_STAGE", "train")
    by_dvc = data_set(folder, TRAINING, ["a", "b", "a"], "fingerprint")
    assert (by_hand.digest, by_dvc.digest) == ("fingerprint", "0123.dir")
    with new_run({}) as run:
        run.inputs([by_dvc])
    experiment = client().get_experiment_by_name("fkd").experiment_id
    [found] = client().search_runs([experiment], "dataset.digest = '0123.dir'")
    assert found.info.run_id == run.id
    [kept] = found.inputs.dataset_inputs
    assert (kept.dataset.name, kept.tags[0].value) == ("a, b", "training")
    assert json.loads(kept.dataset.profile) == {"samples": 3, "a": 2, "b": 1}


def test_a_runs_page_describes_it_and_links_the_runs_that_it_comes_from(store):
    with new_run({}) as teacher:
        pass
    with new_run({}) as run:
        run.describe("What this is", "a draft")
        run.describe("Result", "4.0 %")
        run.describe("What this is", "a training")
        run.parent("teacher", "base.onnx 01ab", teacher.id)
        run.parent("init", "other.onnx 23cd", "0" * 32)
    tags = client().get_run(run.id).data.tags
    experiment = client().get_experiment_by_name("fkd").experiment_id
    link = f"[brave-test](#/experiments/{experiment}/runs/{teacher.id})"
    assert tags["mlflow.note.content"] == (
        "### What this is\na training\n\n### Result\n4.0 %\n\n### Lineage\n"
        f"- teacher: base.onnx 01ab, of run {link}\n- init: other.onnx 23cd"
    )
    assert tags["teacher_run"] == teacher.id and "init_run" not in tags


def test_numbers_that_waited_go_in_one_call_and_one_at_fault_costs_no_other(
    store, monkeypatch, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refused())
    with new_run({"data": "together"}) as run:
        for epoch in range(20):
            run.metrics({"loss": float(epoch)}, epoch)
        run.metrics({"not / a : name !": 1.0})
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    calls = []
    send = mlflow.MlflowClient.log_batch
    monkeypatch.setattr(
        mlflow.MlflowClient, "log_batch", lambda *a, **k: (calls.append(k), send(*a, **k))
    )
    send_what_waits()
    [sent] = client().search_runs(["1"], "tags.data = 'together'")
    assert len(client().get_metric_history(sent.info.run_id, "loss")) == 20
    assert "metrics was not recorded" in capsys.readouterr().err
    assert len(calls[0]["metrics"]) == 21  # then one by one, as one of them is refused
    assert run.id == sent.data.tags["key"]


def test_a_training_tells_what_it_takes_of_its_machine(store, monkeypatch):
    monkeypatch.setattr("pipelines.tracking.system_metrics.SECONDS", 0.2)
    with new_run({}) as run:
        time.sleep(1.5)
    told = client().get_run(run.id).data.metrics
    assert told["system/system_memory_usage_megabytes"] > 10
    assert len(client().get_metric_history(run.id, "system/cpu_utilization_percentage")) > 1


KILLED = """
import os, signal
from pipelines.tracking import new_run
with new_run({"data": "of a killed process"}) as run:
    print(run.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_run_of_a_killed_process_is_closed_by_the_next_that_starts(store):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    killed = done.stdout.strip()
    assert client().get_run(killed).info.status == "RUNNING"
    with new_run({}) as next_one:
        pass
    closed = client().get_run(killed)
    assert closed.info.status == "KILLED" and closed.data.tags["closed_by"] == next_one.id
    assert not [file for file in (store / OPEN_RUNS).iterdir() if killed in file.read_text()]
