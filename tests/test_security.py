"""The promises of SECURITY.md that no other test holds, and that what it names is there."""

import re
import subprocess
import sys

from conftest import PROJECT

# Posts a form that starlette would put on disk, one picture, and one that is none, and writes down
# each file that is opened for writing. A black picture is searched quickly, and without compression
# it is as long as one of noise.
CLIENT = r"""
import io, os, sys
from PIL import Image
from fastapi.testclient import TestClient
from fkd.inference.predictor import Predictor
from fkd.server.app import create_app
from fkd.server.settings import Settings

file = io.BytesIO()
Image.new("L", (1500, 1500)).save(file, "PNG", compress_level=0)
assert len(file.getvalue()) > 2_000_000
app = create_app({"nano": Predictor("nano")}, Settings(hosts=("testserver",)))

def watch(event, details):
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(details[2], int) and details[2] & writing:
        print("opened", details[0], flush=True)

with TestClient(app) as client:
    client.post("/v1/landmarks", content=file.getvalue())
    sys.addaudithook(watch)
    form = {"file": ("secret-name.png", file.getvalue())}
    print(client.post("/v1/landmarks", files=form).status_code)
    print(client.post("/v1/landmarks", content=file.getvalue()).status_code)
    print(client.post("/v1/landmarks", content=b"secret-body").status_code)
"""


def test_what_is_sent_to_the_server_is_neither_written_nor_logged():
    done = subprocess.run([sys.executable, "-c", CLIENT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["200", "200", "415"]
    assert "secret" not in done.stderr


def test_what_the_page_on_security_names_is_there():
    page = (PROJECT / "SECURITY.md").read_text()
    files = re.findall(r"`(tests/[\w./]+)`", page)
    links = re.findall(r"\]\(([\w./]+)#([\w-]+)\)", page)
    assert len(files) > 3 and len(links) > 2
    for file in files:
        assert (PROJECT / file).is_file(), file
    for file, anchor in links:
        headings = re.findall(r"^#+ (.+)", (PROJECT / file).read_text(), re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings], anchor
