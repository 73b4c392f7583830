"""The web interface: what its users get, and what misuse gets."""

import io
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import httpx
import numpy as np
import pytest
from conftest import PROJECT
from fastapi.testclient import TestClient
from PIL import Image as Pillow
from serving import Slow
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app as command
from fkd.detection.haar import WINDOW
from fkd.inference.records import JSON_SCHEMA
from fkd.server.app import create_app
from fkd.server.settings import Settings

HOSTS = ("testserver", "127.0.0.1", "[::1]")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture(scope="module")
def client(predictor):
    with TestClient(create_app({"base": predictor}, Settings(hosts=HOSTS))) as client:
        yield client


@pytest.fixture(scope="module")
def photo(astronaut) -> bytes:
    return cv2.imencode(".png", astronaut)[1].tobytes()


@pytest.fixture(scope="module")
def frame(astronaut) -> bytes:
    return cv2.imencode(".jpg", astronaut)[1].tobytes()


def test_a_picture_gets_the_json_of_the_command_line(client, photo, tmp_path):
    (tmp_path / "astronaut.png").write_bytes(photo)
    done = CliRunner().invoke(command, ["infer", str(tmp_path / "astronaut.png"), "--json"])
    expected = json.loads(done.stdout)
    for answer in (
        client.post("/v1/landmarks", content=photo),
        client.post("/v1/landmarks", files={"file": ("me.png", photo)}),
    ):
        assert answer.status_code == 200, answer.text
        record = answer.json()
        assert record.keys() == expected.keys()
        for key in ("schema", "width", "height", "model", "backend", "faces", "min_face"):
            assert record[key] == expected[key], key
        assert set(record["milliseconds"]) == {"decode", "detect", "crop", "points"}


def test_the_model_says_its_licence_and_the_lines_that_draw_a_face(client, predictor):
    answer = client.get("/v1/model").json()
    assert answer["models"] == ["base"] and answer["notice"] is None
    assert answer["about"]["weights_licence"] == "MIT" and [0, 17, False] in answer["contours"]
    assert answer | predictor.info.to_dict() == answer
    assert client.get("/v1/model?model=huge").status_code == 422


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert (
        page.status_code == 200 and "default-src 'self'" in page.headers["content-security-policy"]
    )
    for name in ("page.js", "style.css", "icon.svg", "manifest.webmanifest", "docs"):
        assert name in page.text and client.get(f"/{name}").status_code == 200
    names = ("page.js", "style.css", "docs", "docs.js")
    outside = page.text + "".join(client.get(f"/{name}").text for name in names)
    assert "http://" not in outside.replace("http://www.w3.org", "") and "https://" not in outside


def test_metrics_count_requests_and_faces_for_prometheus(predictor, photo):
    with TestClient(create_app({"base": predictor}, Settings(hosts=HOSTS))) as client:
        client.post("/v1/landmarks", content=photo)
        client.post("/v1/landmarks", content=b"rubbish")
        client.get("/nowhere")
        text = client.get("/metrics").text
    assert 'fkd_requests_total{path="/v1/landmarks",status="200"} 1.0' in text
    assert 'fkd_requests_total{path="/v1/landmarks",status="415"} 1.0' in text
    assert "fkd_faces_total 1.0" in text
    assert 'fkd_face_score_count{model="base"} 1.0' in text
    assert 'fkd_face_size_pixels_bucket{le="128.0",model="base"} 1.0' in text
    assert 'fkd_step_seconds_count{step="points"} 1.0' in text


def test_what_clients_make_up_adds_no_metrics(client):
    def series() -> int:
        for number in range(20):
            client.request(f"FOO{number}", f"/x{number}")
            client.get(f"/v1/model?model=m{number}")
        return client.get("/metrics").text.count("\nfkd_requests_total{")

    series()
    assert series() == series()


def test_an_unforeseen_fault_is_answered_in_json(predictor, photo, monkeypatch):
    def fault(*args: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr("fkd.server.app.decode_upload", fault)
    app = create_app({"base": predictor}, Settings(hosts=HOSTS))
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.post("/v1/landmarks", content=photo)
    assert answer.status_code == 500 and "internal server error" in answer.json()["error"]


def bomb(width: int, height: int) -> bytes:
    """A small PNG whose header says that it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 50_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 422, "the body is empty"),
        (b"not a picture", 415, "not a picture"),
        (bytes(range(256)) * 40, 415, "not a picture"),
        (bomb(20_000, 20_000), 413, "more than 40000000"),
        (bomb(60_000, 60_000), 413, "more than 40000000"),
        (b"\xff" * 10_000_001, 413, "larger than 10000000 bytes"),
    ],
)
def test_what_is_not_a_picture_is_refused_with_a_status_and_a_reason(client, body, status, reason):
    answer = client.post("/v1/landmarks", content=body)
    assert (answer.status_code, set(answer.json())) == (status, {"error"})
    assert reason in answer.json()["error"]


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(client, astronaut):
    """Each scan costs a pass over all pixels, so a few bytes more could cost hours."""
    stream = io.BytesIO()
    Pillow.fromarray(astronaut).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    assert client.post("/v1/landmarks", content=data).is_success
    last = data[data.rfind(b"\xff\xda") : -2]
    answer = client.post("/v1/landmarks", content=data[:-2] + 100 * last + data[-2:])
    assert answer.status_code == 422 and "scans" in answer.json()["error"]


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        (PROJECT / "tests/data/ramp.heic").read_bytes(),
    ],
)
def test_a_format_that_is_not_read_is_named_as_on_the_command_line(
    client, data, tmp_path, monkeypatch
):
    monkeypatch.setattr("fkd.io.heif.can_read_heic", lambda: False)
    (tmp_path / "a").write_bytes(data)
    done = CliRunner().invoke(command, ["infer", str(tmp_path / "a"), "--json"])
    kind = re.search(r"a: (is [A-Z0-9a-z ]+), which", done.stderr)
    answer = client.post("/v1/landmarks", content=data)
    assert answer.status_code == 415 and kind
    assert re.fullmatch(
        f"the picture: {kind[1]}, which (this server does not|is not) read", answer.json()["error"]
    )


def test_a_truncated_picture_is_unprocessable(client, frame, photo):
    for broken in (frame[: len(frame) // 2], photo[:2000]):
        answer = client.post("/v1/landmarks", content=broken)
        assert answer.status_code in (415, 422) and answer.json()["error"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16"])
def test_pictures_of_every_kind_are_read(client, astronaut, mode):
    kind = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    picture = Pillow.fromarray(astronaut[:64, :64, ::-1].copy()).convert(mode)
    stream = io.BytesIO()
    picture.save(stream, kind)
    assert client.post("/v1/landmarks", content=stream.getvalue()).status_code == 200


def test_an_answer_tells_that_a_file_has_several_pictures(client, photo):
    animation, frames = io.BytesIO(), [Pillow.new("L", (40, 40), grey) for grey in (0, 255)]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    for data, several in ((animation.getvalue(), True), (photo, False)):
        answer = client.post("/v1/landmarks", content=data)
        assert answer.json()["several_pictures"] is several


def test_a_form_without_a_file_and_a_broken_form_are_unprocessable(client):
    empty = client.post("/v1/landmarks", files={"note": (None, "hello")})
    kind = {"content-type": "multipart/form-data; boundary=x"}
    broken = client.post("/v1/landmarks", content=b"--y\r\nrubbish", headers=kind)
    nameless = {"content-type": "multipart/form-data"}
    without = client.post("/v1/landmarks", content=b"--y\r\nrubbish", headers=nameless)
    assert (empty.status_code, broken.status_code, without.status_code) == (422, 422, 422)


def test_another_host_and_another_method_are_refused(client, photo):
    wrong = client.post("/v1/landmarks", content=photo, headers={"host": "evil.example"})
    assert wrong.status_code == 400 and "host name" in wrong.json()["error"]
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/v1/stream", headers={"host": "evil.example"}),
    ):
        pass
    for name in ("127.0.0.1:8000", "TESTSERVER", "testserver.", "[::1]", "[::1]:8000"):
        assert client.get("/healthz", headers={"host": name}).is_success, name
    for name in ("testserver..", "evil.testserver", "testserver:8000:1", "[::1]evil", "::", ""):
        assert client.get("/healthz", headers={"host": name}).status_code == 400, name
    looked = client.get("/v1/landmarks")
    assert (
        looked.status_code == 405 and looked.headers["allow"] == "POST" and looked.json()["error"]
    )
    assert client.get("/../../etc/passwd").status_code == 404


def test_names_of_hosts_and_origins_know_no_case(predictor, frame):
    settings = Settings(hosts=("Faces.Example.ORG.", "::1"), allow_origin="https://Other.Example")
    with TestClient(create_app({"base": predictor}, settings)) as client:
        for host, origin in (
            ("FACES.example.org", "http://faces.example.org"),
            ("faces.example.org.:8000", "http://faces.example.org.:8000"),
            ("[::1]:8000", "http://[::1]:8000"),
            ("faces.example.org", "https://other.example"),
        ):
            headers = {"host": host, "origin": origin}
            answer = client.post("/v1/landmarks", content=frame, headers=headers)
            assert answer.status_code == 200, (host, origin, answer.text)
        assert answer.headers["access-control-allow-origin"] == "https://other.example"


def test_no_other_site_may_read_answers_unless_it_is_allowed(client, predictor, photo):
    there = {"origin": "https://other.example"}
    answer = client.post("/v1/landmarks", content=photo, headers=there)
    assert answer.status_code == 403 and "another site" in answer.json()["error"]
    assert client.post(
        "/v1/landmarks", content=photo, headers={"origin": "http://testserver"}
    ).is_success
    assert client.post("/v1/landmarks", content=photo, headers={"origin": ""}).status_code == 403
    assert "access-control-allow-origin" not in client.get("/v1/model", headers=there).headers
    settings = Settings(hosts=HOSTS, allow_origin="https://other.example")
    with TestClient(create_app({"base": predictor}, settings)) as open_client:
        answer = open_client.post("/v1/landmarks", content=photo, headers=there)
        assert answer.headers["access-control-allow-origin"] == "https://other.example"


def test_a_full_queue_answers_503_and_serves_again_when_it_is_empty(predictor, photo):
    slow = Slow(predictor.info)
    with TestClient(create_app({"slow": slow}, Settings(hosts=HOSTS, queue=1))) as client:
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(client.post("/v1/landmarks", content=photo))

        asking = [threading.Thread(target=ask) for _ in range(3)]  # one runs, one waits
        for thread in asking:
            thread.start()
        until = time.monotonic() + 9
        while not answers:
            assert time.monotonic() < until
            time.sleep(0.01)
        full = answers[0]
        slow.go.set()
        for thread in asking:
            thread.join()
        assert full.status_code == 503 and full.headers["retry-after"] == "1"
        assert "busy" in full.json()["error"]
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
        assert client.post("/v1/landmarks", content=photo).status_code == 200


def test_a_picture_that_takes_too_long_is_given_up(predictor, photo):
    slow = Slow(predictor.info)
    with TestClient(create_app({"slow": slow}, Settings(hosts=HOSTS, seconds=0.3))) as client:
        answer = client.post("/v1/landmarks", content=photo)
        slow.go.set()
    assert answer.status_code == 504 and "too long" in answer.json()["error"]


def test_a_stream_answers_each_frame_and_keeps_the_id_of_a_face(client, frame):
    with client.websocket_connect("/v1/stream") as stream:
        for number in (1, 2, 3):
            stream.send_bytes(frame)
            answer = stream.receive_json()
            assert answer["schema"] == JSON_SCHEMA
            assert (answer["frame"], answer["width"], answer["dropped"]) == (number, 512, 0)
            assert set(answer["milliseconds"]) == {"decode", "track"}
            assert [face["id"] for face in answer["faces"]] == [1]
            assert answer["detections_skipped"] == 0
            assert 20 <= answer["min_face"] <= 110


@pytest.fixture(scope="module")
def crowd(astronaut) -> bytes:
    """A wide picture with a large face, and one of 40 pixels to its right."""
    picture = np.full((512, 1600, 3), 128, np.uint8)
    picture[:, :512] = astronaut
    picture[100:292, 1200:1392] = cv2.resize(astronaut, (192, 192), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".png", picture)[1].tobytes()


def test_a_request_says_how_small_the_faces_are_that_it_wants(client, crowd):
    def widths(query: str) -> list[int]:
        answer = client.post(f"/v1/landmarks{query}", content=crowd).json()
        assert (answer["min_face"] == 30) is (query == "?min_face=30")
        with client.websocket_connect(f"/v1/stream{query}") as stream:
            stream.send_bytes(crowd)
            assert len(stream.receive_json()["faces"]) == len(answer["faces"])
        return sorted(face["box"][2] for face in answer["faces"])

    assert [width > 80 for width in widths("")] == [True]
    assert [width > 80 for width in widths("?min_face=30")] == [False, True]


def test_the_servers_own_smallest_face_holds_where_a_request_says_none(crowd):
    app = create_app({"base": Predictor(min_face=30)}, Settings(hosts=HOSTS))
    with TestClient(app) as client:
        assert len(client.post("/v1/landmarks", content=crowd).json()["faces"]) == 2
        larger = client.post("/v1/landmarks?min_face=60", content=crowd).json()
        assert len(larger["faces"]) == 1 and larger["min_face"] == 60


def test_a_search_that_would_take_too_long_is_refused(predictor, crowd):
    settings = Settings(hosts=HOSTS, max_search_pixels=500_000)
    reason = "min_face must be at least 31 for a picture of 1600x512 pixels, not 30"
    with TestClient(create_app({"base": predictor}, settings)) as client:
        refused = client.post("/v1/landmarks?min_face=30", content=crowd)
        assert (refused.status_code, refused.json()) == (422, {"error": reason})
        assert client.post("/v1/landmarks?min_face=31", content=crowd).is_success
        with client.websocket_connect("/v1/stream?min_face=30") as stream:
            stream.send_bytes(crowd)
            assert stream.receive_json()["error"] == reason


def test_a_smallest_face_below_the_detectors_window_is_the_window(client, frame):
    answer = client.post("/v1/landmarks?min_face=1", content=frame)
    assert answer.is_success and answer.json()["min_face"] == WINDOW


@pytest.mark.parametrize("query", ["min_face=0", "min_face=-1", "min_face=x", "min_face=1000000"])
def test_a_smallest_face_that_is_none_is_refused(client, frame, query):
    assert client.post(f"/v1/landmarks?{query}", content=frame).status_code == 422
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"/v1/stream?{query}"),
    ):
        pass


def test_a_bad_frame_is_refused_and_the_stream_goes_on(client, frame):
    with client.websocket_connect("/v1/stream") as stream:
        for bad in (b"", b"\x00\xff" * 50, bomb(50_000, 50_000)):
            stream.send_bytes(bad)
            assert stream.receive_json()["error"]
        stream.send_text("hello")
        assert "bytes of a picture" in stream.receive_json()["error"]
        stream.send_bytes(frame)
        assert len(stream.receive_json()["faces"]) == 1


def test_old_frames_are_dropped_and_not_queued(client, frame):
    with client.websocket_connect("/v1/stream") as stream:
        for _ in range(40):
            stream.send_bytes(frame)
        last = {"frame": 0}
        while last["frame"] < 40:
            last = stream.receive_json()
        assert last["dropped"] > 0


def test_a_page_of_another_site_cannot_open_a_stream(client):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/v1/stream", headers={"origin": "https://evil.example"}),
    ):
        pass
    with client.websocket_connect("/v1/stream", headers={"origin": "http://testserver"}):
        pass


def test_a_stream_that_sends_nothing_is_closed(client, monkeypatch):
    monkeypatch.setattr("fkd.server.stream.IDLE_SECONDS", 0.2)
    with (
        client.websocket_connect("/v1/stream") as stream,
        pytest.raises(WebSocketDisconnect) as end,
    ):
        stream.receive_json()
    assert end.value.code == 1013


def test_no_more_streams_than_allowed(predictor, frame):
    settings = Settings(hosts=HOSTS, streams=1)
    with (
        TestClient(create_app({"base": predictor}, settings)) as client,
        client.websocket_connect("/v1/stream") as first,
    ):
        with client.websocket_connect("/v1/stream") as second, pytest.raises(WebSocketDisconnect):
            second.receive_json()
        first.send_bytes(frame)
        assert first.receive_json()["faces"]


def test_serve_without_a_usable_model_says_so():
    refused = CliRunner().invoke(command, ["serve", "--model", "missing.onnx"])
    assert refused.exit_code == 2 and "missing.onnx: no such model" in refused.stderr
    twice = CliRunner().invoke(command, ["serve", "--model", "a/m.onnx", "--model", "b/m.onnx"])
    assert twice.exit_code == 2 and "two models have the name m" in twice.stderr


def test_serve_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.chdir(PROJECT)
    refused = CliRunner().invoke(command, ["serve"])
    assert refused.exit_code == 2
    assert refused.stderr == "fkd: serve: uvicorn is not installed; pip install -e '.[serve]'\n"


@contextmanager
def started(*options: str) -> Iterator[bytes]:
    """What `fkd serve` says as soon as it says anything."""
    command = [sys.executable, "-m", "fkd", "serve", "--port", "0", "--model", "nano", *options]
    running = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert running.stdout
        yield running.stdout.readline()
    finally:
        running.terminate()
        running.communicate(timeout=20)


def test_serve_says_its_address_once_it_listens_with_the_path_below_which_it_is():
    with started("--root-path", "/faces") as line:
        said = re.fullmatch(rb"fkd: (http://127\.0\.0\.1:\d+/faces/), stop with Ctrl-C\n", line)
        assert said and httpx.get(said[1].decode()).is_success


def test_an_origin_may_be_written_with_a_slash_at_its_end():
    with started("--allow-origin", "https://example.org/") as line:
        address = line.decode().split(", ")[0].removeprefix("fkd: ")
        answer = httpx.get(f"{address}/v1/model", headers={"origin": "https://example.org"})
        assert answer.headers["access-control-allow-origin"] == "https://example.org"


@pytest.mark.parametrize(
    "options",
    [
        ["--allow-host", "https://faces.example.org"],
        ["--allow-host", "good.example", "--allow-host", "example.org/"],
        ["--allow-origin", "example.org"],
        ["--allow-origin", "https://example.org/page"],
        ["--allow-origin", "*"],
    ],
)
def test_a_host_and_an_origin_that_no_request_can_have_are_refused(options):
    refused = CliRunner().invoke(command, ["serve", *options, "--model", "gone.onnx"])
    assert refused.exit_code == 2 and f"Invalid value for '{options[0]}'" in refused.output


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "address already in use"),
        ("192.0.2.1", "cannot assign requested address"),  # kept for documentation, RFC 5737
        ("ä..b", "not the name of a host"),
        ("", "not the name of a host"),
    ],
)
def test_serve_where_it_cannot_listen_is_one_sentence(host, reason):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["serve", "--model", "nano", "--host", host, "--port", port]
        refused = CliRunner().invoke(command, arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == f"fkd: {host}:{port}: cannot listen there ({reason})\n"
