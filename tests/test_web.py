"""Pictures at addresses: a server in this process answers well or badly."""

import contextlib
import io
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image as Pillow

from fkd.io import web
from fkd.io.images import ImageError, read_image

GREY = Pillow.fromarray(np.arange(63, dtype=np.uint8).reshape(9, 7))


def png() -> bytes:
    file = io.BytesIO()
    GREY.save(file, "PNG")
    return file.getvalue()


class Answers(BaseHTTPRequestHandler):
    """What the path asks for."""

    def do_GET(self) -> None:
        kind = self.path.strip("/").split("?")[0]
        if kind == "round":
            return self.redirect("/round")
        if kind.startswith("to-"):
            return self.redirect(self.path.partition("to-")[2])
        if kind == "drip-headers":
            return self.drip(b"HTTP/1.1 200 OK\r\nX: ")
        self.send_response(200 if kind in BODIES else 404)
        self.end_headers()
        if kind == "drip":
            self.drip(b"")
        for _ in range(1_000 if kind == "endless" else 1):
            self.wfile.write(BODIES.get(kind, b""))

    def redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def drip(self, start: bytes) -> None:
        self.wfile.write(start)
        for _ in range(60):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client has gone, as it should
            super().handle()

    def log_message(self, *_) -> None:
        pass


BODIES = {"a.png": png(), "%C3%A4.png": png(), "text": b"no picture", "drip": b"", "empty": b""}
REDIRECTS = "redirects in a circle, or more than 5 times"
BODIES["endless"] = bytes(10_000)


@pytest.fixture(scope="module")
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.parametrize(
    "path", ["a.png", "a.png?size=9", "ä.png", "to-/a.png", "to-/to-/to-/to-/to-/a.png"]
)
def test_a_picture_at_an_address_is_read_as_its_file_is(path, server):
    np.testing.assert_array_equal(read_image(f"{server}/{path}")[..., 0], np.asarray(GREY))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("gone.png", "the server answers 404"),
        ("text", "not a picture that can be read"),
        ("empty", "the file is empty"),
        ("to-file:///etc/hostname", "of addresses, http and https are read, not file"),
        ("to-ftp://127.0.0.1/a.png", "of addresses, http and https are read, not ftp"),
        ("to-/to-/to-/to-/to-/to-/a.png", REDIRECTS),
        ("round", REDIRECTS),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(path, sentence, server):
    with pytest.raises(ImageError) as refused:
        read_image(f"{server}/{path}")
    assert str(refused.value) == f"{server}/{path}: {sentence}"


def test_a_body_without_end_is_left_at_the_limit(server, monkeypatch):
    monkeypatch.setattr(web, "MAX_BYTES", 2_000_000)
    with pytest.raises(ImageError, match=r"/endless: has more than 2 MB$"):
        read_image(f"{server}/endless")


@pytest.mark.parametrize("path", ["drip", "drip-headers"])
def test_the_time_limit_holds_for_the_whole_and_not_for_each_byte(path, server, monkeypatch):
    monkeypatch.setattr(web, "SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(ImageError, match=rf"/{path}: took more than 0.5 seconds$"):
        read_image(f"{server}/{path}")
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("file:///etc/hostname", "of addresses, http and https are read, not file"),
        ("s3://bucket/a.jpg", "of addresses, http and https are read, not s3"),
        ("http:///a.jpg", "names no server"),
        ("http://127.0.0.1:1/a.jpg", "cannot be read (connection refused)"),
        ("http://[::1/a.jpg", "cannot be read (invalid ipv6 url)"),
        ("http://a:b@c/", "cannot be read (nonnumeric port: 'b@c')"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_in_one_sentence(address, sentence):
    with pytest.raises(ImageError) as refused:
        read_image(address)
    assert str(refused.value) == f"{address}: {sentence}"


def test_a_path_is_a_file_even_where_it_looks_like_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path.joinpath("http:", "a", "b.png")
    path.parent.mkdir(parents=True)
    path.write_bytes(png())
    assert read_image(path.relative_to(tmp_path)).shape == (9, 7, 3)
