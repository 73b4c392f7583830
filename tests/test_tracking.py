"""MLflow runs in a store of their own; trouble is said and does not stop the work."""

import os
from pathlib import Path

import mlflow
import numpy as np
import pytest

from fkd.models.zoo import PACKAGED
from pipelines import tracking
from pipelines.tracking import SilentRun, new_run, resumed_run


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
    return mlflow.MlflowClient(tracking.tracking_uri())


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


def test_a_broken_store_is_said_and_the_work_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/nowhere/mlflow.db")
    with new_run({}) as run:
        run.metrics({"val": 1.0})
    assert isinstance(run, SilentRun)
    assert "MLflow: the run was not recorded" in capsys.readouterr().err


def test_a_number_that_cannot_be_recorded_is_said_and_the_work_goes_on(store, capsys):
    with new_run({}) as run:
        run.files([Path("/nowhere/at/all.txt")], "report")
    assert "MLflow: files was not recorded" in capsys.readouterr().err
    assert client().get_run(run.id).info.status == "FINISHED"


def test_champion_moves_only_to_a_better_model_on_the_same_test_set(store):
    model = PACKAGED["base"]
    story = [
        (5.0, True, "300w", 1),  # the first there is
        (6.0, True, "300w", 1),  # worse
        (4.0, False, "300w", 1),  # better, but torch and ONNX differ
        (4.0, True, "synthetic", 1),  # another test set
        (4.5, True, "300w", 5),  # better
    ]
    for nme, passed, test_set, champion in story:
        with new_run({}) as run:
            run.register(model, nme, passed, test_set)
        held = client().get_model_version_by_alias("fkd", "champion")
        assert int(held.version) == champion, (nme, passed, test_set)
    assert int(client().get_model_version_by_alias("fkd", "challenger").version) == 4


def test_the_champion_loads_and_predicts_as_the_file_does(store):
    from fkd.models.session import open_onnx

    os.environ["MLFLOW_TRACKING_URI"] = tracking.tracking_uri()
    try:
        champion = mlflow.pyfunc.load_model("models:/fkd@champion")
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 128, 128)).astype(np.float32)
    answer = champion.predict({"image": pixels})
    expected = open_onnx(PACKAGED["base"])[0](pixels.astype(np.uint8))
    for name, values in expected._asdict().items():
        np.testing.assert_allclose(answer[name], values, atol=1e-3)
