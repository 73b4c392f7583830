"""The page as `fkd serve` serves it; `web/` tests what it does."""

import hashlib
import re
from pathlib import Path

import pytest
from conftest import PROJECT
from fastapi.testclient import TestClient

from fkd import Predictor
from fkd.server import site
from fkd.server.app import create_app
from fkd.server.settings import Settings

WEB = PROJECT / "web"
WASM = "'wasm-unsafe-eval'"


@pytest.fixture(scope="module")
def predictors() -> dict[str, Predictor]:
    return {"nano": Predictor("nano")}


def client_of(predictors, root_path: str = "") -> TestClient:
    return TestClient(create_app(predictors, Settings(hosts=("testserver",), root_path=root_path)))


@pytest.fixture
def not_built(predictors, tmp_path, monkeypatch) -> TestClient:
    """A server in whose package `make web` has not been run."""
    monkeypatch.setattr(site, "DEVICE", tmp_path / "missing")
    return client_of(predictors)


@pytest.fixture
def device(tmp_path, monkeypatch) -> Path:
    """The folder of what computes in the browser, as if it had been built."""
    (tmp_path / f"worker-{site.page_build()}.js").write_text("built")
    (tmp_path / "sw.js").write_text("kept")
    monkeypatch.setattr(site, "DEVICE", tmp_path)
    return tmp_path


def test_the_page_is_built_of_today_s_sources():
    """Else: `make web`, and commit fkd/server/page."""
    files = [WEB / name for name in ("package-lock.json", "tsconfig.json", "vite.config.ts")]
    for folder in ("page", "src"):
        files += [file for file in (WEB / folder).rglob("*") if file.is_file()]
    digest = hashlib.sha256()
    for name in sorted(file.relative_to(WEB).as_posix() for file in files):
        digest.update(f"{name}\n".encode() + (WEB / name).read_bytes())
    assert digest.hexdigest()[:12] == site.page_build()
    pages = [site.PAGE / name for name in ("index.html", "docs.html")]
    built = {b for page in pages for b in re.findall(r"\?build=(\w+)", page.read_text())}
    assert built == {site.page_build()} and site.page_build() in (site.PAGE / "page.js").read_text()


def test_without_building_anything_there_is_a_page_whose_pictures_go_to_the_server(not_built):
    page = not_built.get("/")
    assert page.status_code == 200 and '<script type="module"' in page.text
    assert not_built.get("/engines.json").json() == {"device": False, "server": True}
    for path in ("/sw.js", "/weights/nano.onnx", "/device/sw.js"):
        assert not_built.get(path).status_code == 404


def test_what_computes_in_the_browser_is_offered_where_it_has_been_built(predictors, device):
    client = client_of(predictors)
    assert client.get("/engines.json").json() == {"device": True, "server": True}
    assert client.get(f"/device/worker-{site.page_build()}.js").text == "built"
    assert client.get("/sw.js").text == "kept"


def test_what_was_built_for_another_page_is_not_offered(predictors, device):
    device.joinpath(f"worker-{site.page_build()}.js").rename(device / "worker-0123456789ab.js")
    assert client_of(predictors).get("/engines.json").json()["device"] is False


def test_the_weights_are_the_package_s_and_those_for_research_are_not_given(predictors, device):
    client = client_of(predictors)
    for name in ("nano", "base", "detector"):
        file = PROJECT / "fkd" / "models" / "weights" / f"{name}.onnx"
        assert client.get(f"/weights/{name}.onnx").content == file.read_bytes()
    assert client.get("/weights/research.onnx").status_code == 404
    assert client.get("/weights/../cards/nano.md").status_code == 404


@pytest.mark.parametrize("root_path", ["", "/faces"])
def test_webassembly_may_run_in_the_worker_alone(predictors, device, root_path):
    client = client_of(predictors, root_path)
    worker = client.get(f"{root_path}/device/worker-{site.page_build()}.js")
    page = client.get(f"{root_path}/")
    assert worker.status_code == page.status_code == 200
    assert WASM in worker.headers["Content-Security-Policy"]
    assert WASM not in page.headers["Content-Security-Policy"]
    for answer in (worker, page):
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_browser_asks_whether_a_file_has_changed_since_the_last_visit(predictors):
    client = client_of(predictors)
    for path in ("/", "/page.js", "/style.css", "/docs"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == (200 if path == "/docs" else 304)
