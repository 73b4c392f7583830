"""A version of the registry, as those use it who know MLflow alone, and as `fkd` does."""

import base64
import json
import os
import subprocess
import sys
import threading
import time

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import ASTRONAUT, PROJECT
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.models.metadata import ModelError
from fkd.models.registered import exact_version, fetch
from fkd.models.session import open_onnx
from fkd.models.zoo import PACKAGED
from fkd.server.app import create_app
from fkd.server.follow import follow
from fkd.server.settings import Settings
from pipelines.tracking import new_run
from pipelines.tracking.mlflow_store import connect, tracking_uri
from pipelines.tracking.registry import CHAMPION, log_version, settle

CHAMPION_OF = "models:/fkd@champion"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with two versions, of which the first, `nano`, is the champion."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        with new_run({}) as run:
            client = connect()
            for name in ("nano", "base"):
                log_version(client, run.id, PACKAGED[name])
        settle(client, "1", CHAMPION, "for these tests")
        patch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
        yield folder


@pytest.fixture(scope="module")
def loaded(store):
    return mlflow.pyfunc.load_model(CHAMPION_OF)


@pytest.fixture(scope="module")
def expected(astronaut):
    """What the champion answers of the photo."""
    return [face.to_dict() for face in Predictor("nano", detector="neural")(astronaut)]


def test_photos_of_every_kind_give_the_faces_with_points_in_photo_pixels(
    loaded, expected, astronaut
):
    data = ASTRONAUT.read_bytes()
    text = base64.b64encode(data).decode()
    photos = [data, text, f"data:image/png;base64,{text}", astronaut, astronaut.tolist()]
    rows = loaded.predict(pd.DataFrame({"image": photos}))
    assert len(rows) == 5 and len(expected) == 1
    for row in rows:
        assert row == {"width": 512, "height": 512, "faces": expected, "error": None}
    json.dumps(rows)


def test_what_is_no_photo_is_said_in_its_row_and_the_others_are_answered(loaded, expected):
    photos = [b"hello", "???", [[0.5]], [[1, 2], [3]], [], ASTRONAUT.read_bytes()]
    rows = loaded.predict(pd.DataFrame({"image": photos}))
    assert [row["faces"] for row in rows] == [[], [], [], [], [], expected]
    assert all(row["error"].startswith("image: ") for row in rows[:5]) and not rows[5]["error"]


def test_a_version_has_a_signature_an_example_that_it_answers_and_exact_pins(loaded):
    assert loaded.metadata.signature.inputs.input_names() == ["image"]
    assert loaded.metadata.signature.outputs.input_names() == ["width", "height", "faces", "error"]
    [row] = loaded.predict(loaded.input_example)
    assert len(row["faces"]) == 1 and row["width"] == 192
    folder = mlflow.artifacts.download_artifacts(CHAMPION_OF)
    pins = (PROJECT / "constraints.txt").read_text().splitlines()
    with open(f"{folder}/requirements.txt") as file:
        needed = file.read().split()
    assert len(needed) == 6 and set(needed) <= set(pins)


def test_a_version_needs_no_installed_fkd_and_no_torch(store, tmp_path):
    code = (
        "import sys, mlflow; model = mlflow.pyfunc.load_model(sys.argv[1]); import fkd; "
        "photo = open(sys.argv[2], 'rb').read(); "
        "print(fkd.__file__, 'torch' in sys.modules, len(model.predict([{'image': photo}])))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-c", code, CHAMPION_OF, str(ASTRONAUT)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    file, torch, rows = done.stdout.split()[-3:]
    assert "/artifacts/code/fkd/" in file and (torch, rows) == ("False", "1"), done.stderr


def test_the_network_alone_stands_beside_it(store):
    version = connect().get_model_version_by_alias("fkd", "champion")
    network = mlflow.pyfunc.load_model(version.tags["network"])
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 96, 96)).astype(np.float32)
    answer = network.predict({"image": pixels})
    expected = open_onnx(PACKAGED["nano"])[0](pixels.astype(np.uint8))
    told = {name: values for name, values in expected._asdict().items() if values is not None}
    assert set(answer) == set(told)
    for name, values in told.items():
        np.testing.assert_allclose(answer[name], values, atol=1e-3)


def test_infer_says_which_version_it_is_and_answers_as_the_file_does(store):
    def infer(model: str):
        done = CliRunner().invoke(app, ["infer", str(ASTRONAUT), "--json", "--model", model])
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    record, said = infer(CHAMPION_OF)
    assert said == f"fkd: {CHAMPION_OF} is models:/fkd/1\n"
    assert record["model"] == "models:/fkd/1" and record["faces"] == infer("nano")[0]["faces"]


def test_a_version_is_fetched_once_and_never_taken_for_one_of_another_store(store, monkeypatch):
    file = fetch("models:/fkd/1")
    assert file.read_bytes() == PACKAGED["nano"].read_bytes() and file.name == "fkd-1.onnx"
    monkeypatch.setattr("fkd.models.registered._download", None)  # it is not asked for again
    assert fetch(CHAMPION_OF) == file
    with pytest.raises(TypeError):
        fetch("models:/fkd/2")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("models:/fkd@nobody", "alias nobody not found"),
        ("models:/fkd/99", "version=99) not found"),
        ("models:/none@champion", "name=none not found"),
        ("models:/fkd", "models:/NAME@ALIAS or models:/NAME/NUMBER is expected"),
    ],
)
def test_a_name_that_means_no_version_is_one_sentence(store, model, message):
    with pytest.raises(ModelError, match=f"^{model}: ") as refused:
        exact_version(model)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_a_registry_that_is_away_or_not_named_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ModelError, match="MLFLOW_TRACKING_URI is not set"):
        fetch(CHAMPION_OF)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=f"^{CHAMPION_OF}: connection refused$"):
        fetch(CHAMPION_OF)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense:///")
    with pytest.raises(ModelError, match=r"^models:/fkd@champion: MLFLOW_TRACKING_URI: .*nonsense"):
        fetch(CHAMPION_OF)


def test_the_server_follows_the_alias_and_loses_no_request(store):
    predictors = {"fkd": Predictor(CHAMPION_OF, detector="neural")}
    said, stopped = [], threading.Event()

    def opened(version: str) -> Predictor:
        return Predictor(version, detector="neural")

    arguments = (predictors, {"fkd": CHAMPION_OF}, opened, said.append, stopped, 0.1)
    following = threading.Thread(target=follow, args=arguments)
    photo = ASTRONAUT.read_bytes()
    with TestClient(create_app(predictors, Settings()), "http://127.0.0.1") as client:

        def answered() -> str:
            answer = client.post("/v1/landmarks", content=photo)
            assert answer.status_code == 200 and len(answer.json()["faces"]) == 1
            return answer.json()["model"]

        def until(version: str) -> list[str]:
            versions, begun = [answered()], time.monotonic()
            while versions[-1] != version:
                assert time.monotonic() - begun < 30
                versions.append(answered())
            return versions

        assert answered() == "models:/fkd/1"
        following.start()
        settle(connect(), "2", CHAMPION, "better")
        versions = until("models:/fkd/2")
        assert set(versions) <= {"models:/fkd/1", "models:/fkd/2"} and versions == sorted(versions)
        assert client.get("/v1/model").json()["version"] == "models:/fkd/2"
        settle(connect(), "1", CHAMPION, "back, for the other tests")
        until("models:/fkd/1")
        stopped.set()
        following.join()
    assert said == [f"{CHAMPION_OF} is models:/fkd/2 now", f"{CHAMPION_OF} is models:/fkd/1 now"]


def test_a_new_champion_that_cannot_be_opened_is_said_once_and_the_old_one_goes_on(
    store, monkeypatch
):
    predictors = {"fkd": Predictor("models:/fkd/1", detector="neural")}
    before, said, stopped = predictors["fkd"], [], threading.Event()
    looks = []

    def exact(model: str) -> str:
        looks.append(model)
        if len(looks) == 5:
            stopped.set()
        return "models:/fkd/3"

    def opened(version: str) -> Predictor:
        raise ModelError(f"{version}: not an ONNX model that can be run")

    monkeypatch.setattr("fkd.server.follow.exact_version", exact)
    follow(predictors, {"fkd": CHAMPION_OF}, opened, said.append, stopped, 0.01)
    assert predictors["fkd"] is before
    sentence = "models:/fkd/3: not an ONNX model that can be run; models:/fkd/1 goes on"
    assert said == [sentence] and len(looks) == 5
