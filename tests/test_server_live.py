"""The page that needs no server, as `fkd serve` serves it; `web/` tests what it does."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from fkd import Predictor
from fkd.server import app as server
from fkd.server.settings import Settings

HOSTS = ("testserver",)


@pytest.fixture(scope="module")
def predictors() -> dict[str, Predictor]:
    return {"nano": Predictor("nano")}


def test_a_built_page_is_served_and_may_run_webassembly(predictors, tmp_path: Path, monkeypatch):
    (tmp_path / "index.html").write_text("built")
    monkeypatch.setattr(server, "LIVE", tmp_path)
    client = TestClient(server.create_app(predictors, Settings(hosts=HOSTS)))
    page = client.get("/live/")
    assert page.text == "built" and client.get("/live").url == page.url
    assert "'wasm-unsafe-eval'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    below = TestClient(server.create_app(predictors, Settings(hosts=HOSTS, root_path="/faces")))
    assert "wasm" in below.get("/faces/live/").headers["Content-Security-Policy"]
    assert "wasm" not in client.get("/").headers["Content-Security-Policy"]


def test_without_a_built_page_there_is_none(predictors, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(server, "LIVE", tmp_path / "missing")
    client = TestClient(server.create_app(predictors, Settings(hosts=HOSTS)))
    assert client.get("/live/").status_code == 404
