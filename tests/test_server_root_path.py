"""A server below a path of a proxy's site: `fkd serve --root-path /faces`."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin

import cv2
import httpx
import pytest
from serving import served, stripping_proxy
from typer.testing import CliRunner
from websockets.sync.client import connect

from fkd import Predictor
from fkd.cli import app as command
from fkd.server.app import create_app
from fkd.server.settings import Settings
from fkd.server.site import PAGE


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    settings = Settings(root_path="/faces")
    with served(create_app({"nano": Predictor("nano")}, settings), settings) as port:
        yield port


@pytest.fixture(scope="module", params=["the path is passed on", "the path is taken away"])
def site(server, request) -> Iterator[str]:
    """The address of the page."""
    if request.param == "the path is passed on":
        yield f"http://127.0.0.1:{server}/faces/"
    else:
        with stripping_proxy("/faces", server) as port:
            yield f"http://127.0.0.1:{port}/faces/"


@pytest.mark.parametrize("page", ["", "docs"])
def test_what_a_page_names_is_there_below_the_path(site, page):
    html = httpx.get(site + page)
    assert html.headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:href|src)="([^"]+)"', html.text)
    assert len(names) > 4
    for name in names:
        address = urljoin(site + page, name)
        assert address.startswith(site) and httpx.get(address).status_code == 200, address


def test_scripts_ask_for_nothing_at_the_top_of_the_site():
    for script in PAGE.glob("*.js"):
        assert not re.search(r"""["'`(]/\w""", script.read_text()), script.name


def test_a_picture_and_a_frame_are_answered_below_the_path(site, astronaut):
    photo = cv2.imencode(".jpg", astronaut)[1].tobytes()
    answer = httpx.post(f"{site}v1/landmarks", content=photo)
    assert answer.status_code == 200 and len(answer.json()["faces"]) == 1
    with connect(site.replace("http", "ws", 1) + "v1/stream") as stream:
        stream.send(photo)
        assert len(json.loads(stream.recv())["faces"]) == 1


def test_the_description_says_the_path(site):
    assert httpx.get(f"{site}openapi.json").json()["servers"] == [{"url": "/faces"}]


def test_the_path_without_its_slash_leads_to_the_page_whatever_the_proxy_is_called(server):
    answer = httpx.get(f"http://127.0.0.1:{server}/faces")
    assert answer.is_redirect and answer.headers["location"] == "/faces/"
    assert httpx.get(f"http://127.0.0.1:{server}/facesv1/model").status_code == 404


@pytest.mark.parametrize("path", ["faces", "/two words", "//faces", "/faces?", "/faces\n"])
def test_what_is_no_path_is_refused(path):
    refused = CliRunner().invoke(command, ["serve", "--root-path", path])
    assert refused.exit_code == 2 and "Invalid value for '--root-path'" in refused.output
