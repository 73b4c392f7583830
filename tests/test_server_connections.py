"""What one connection, or many, can do to the server: nothing that others notice."""

import http.client
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import cv2
import httpx
import pytest
from serving import Slow, served
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from fkd import Predictor
from fkd.server.app import create_app
from fkd.server.frames import FrameCounter
from fkd.server.protocol import FRAMES_PER_SECOND
from fkd.server.settings import Settings

# Limits of the servers in these tests, seconds.
CLIENT, GRACE = 1.0, 0.3
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
OPENAPI = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def posting(length: int) -> bytes:
    """The head of a request with a picture of so many bytes."""
    return b"POST /v1/landmarks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % length


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("nano")


@pytest.fixture(scope="module")
def photo(astronaut) -> bytes:
    return cv2.imencode(".jpg", astronaut)[1].tobytes()


@pytest.fixture(scope="module", autouse=True)
def short_limits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fkd.server.clients.CLIENT_SECONDS", CLIENT)
        patch.setattr("fkd.server.protocol.GRACE_SECONDS", GRACE)
        yield


@pytest.fixture(scope="module")
def port(predictor) -> Iterator[int]:
    with served(create_app({"nano": predictor}, Settings(seconds=1.0)), Settings()) as port:
        yield port


def connection(port: int, receive_buffer: int | None = None) -> socket.socket:
    opened = socket.socket()
    if receive_buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    opened.settimeout(10)
    opened.connect(("127.0.0.1", port))
    return opened


def ask(opened: socket.socket, request: bytes = HEALTH) -> bytes:
    """The answer, which is JSON, to a request."""
    opened.sendall(request)
    answer = b""
    while not answer.endswith(b"}"):
        answer += opened.recv(100_000)
    return answer


def is_closed(opened: socket.socket) -> bool:
    """Whether the server has closed a connection; waits as long as the socket's timeout."""
    try:
        return opened.recv(100_000) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def health(port: int) -> tuple[int, float]:
    """Status, and seconds that the answer took."""
    started = time.monotonic()
    status = httpx.get(f"http://127.0.0.1:{port}/healthz").status_code
    return status, time.monotonic() - started


def test_slow_half_closed_and_silent_connections_are_closed(port, photo):
    with connection(port) as slow:
        slow.sendall(posting(1000) + b"abc")
        assert slow.recv(4000).startswith(b"HTTP/1.1 408")
    with connection(port) as half:
        half.sendall(posting(9))
        half.shutdown(socket.SHUT_WR)
        assert half.recv(4000)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 408", b"")
    with connection(port) as silent:
        assert is_closed(silent)
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/landmarks", content=photo)
    assert answer.status_code == 200 and len(answer.json()["faces"]) == 1


@pytest.mark.parametrize(
    "first",
    [
        b"",
        HEALTH,
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n",
    ],
    ids=["begins no request", "begins no second request", "goes on with a body nobody reads"],
)
def test_bytes_do_not_keep_a_connection_open_that(port, first):
    with connection(port) as held:
        if first:
            ask(held, first)
        held.settimeout(0.1)
        until = time.monotonic() + 2 * CLIENT
        while not is_closed(held):
            assert time.monotonic() < until
            try:
                held.sendall(b"G")
            except OSError:
                break  # it was closed meanwhile


def test_a_connection_that_asks_again_in_time_stays_open(port):
    with connection(port) as kept:
        for _ in range(5):
            assert ask(kept).startswith(b"HTTP/1.1 200")
            time.sleep(0.4 * CLIENT)


def test_a_client_that_takes_no_answers_is_cut_off(port):
    with connection(port, receive_buffer=2048) as greedy:
        greedy.settimeout(0.1)
        until = time.monotonic() + 5 * CLIENT
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() < until:
                try:
                    greedy.sendall(OPENAPI * 100)
                except TimeoutError:
                    continue


def test_clients_that_take_no_answers_make_room(predictor):
    settings = Settings(connections=8)
    with served(create_app({"nano": predictor}, settings), settings) as port, ExitStack() as stack:
        for _ in range(8):
            greedy = stack.enter_context(connection(port, receive_buffer=2048))
            greedy.setblocking(False)
            greedy.send(OPENAPI * 1000)
        time.sleep(CLIENT)
        assert health(port)[0] == 200


def test_a_new_client_takes_the_place_of_the_one_waited_for_longest(predictor):
    settings = Settings(connections=3)
    with served(create_app({"nano": predictor}, settings), settings) as port, ExitStack() as stack:
        held = [stack.enter_context(connection(port)) for _ in range(3)]
        held[0].sendall(posting(1000) + b"abc")
        time.sleep(1.5 * GRACE)
        ask(held[1])
        ask(held[2])
        assert health(port)[0] == 200
        assert is_closed(held[0])
        time.sleep(1.5 * GRACE)
        with connection(port) as fourth, connection(port) as fifth:
            assert ask(fourth) and ask(fifth)
            assert is_closed(held[1])
            assert ask(held[2]).startswith(b"HTTP/1.1 200")


def test_a_connection_too_many_gets_json_and_the_next_is_served(predictor):
    settings = Settings(connections=3)
    with served(create_app({"nano": predictor}, settings), settings) as port:
        with ExitStack() as stack:
            for _ in range(3):
                ask(stack.enter_context(connection(port)))
            refused = httpx.get(f"http://127.0.0.1:{port}/healthz")  # they have just been answered
            assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
            assert "connections" in refused.json()["error"]
        time.sleep(0.1)
        assert health(port)[0] == 200


def test_a_request_that_is_being_answered_keeps_its_place(predictor, photo):
    slow, settings = Slow(predictor.info), Settings(connections=1)
    with (
        served(create_app({"slow": slow}, settings), settings) as port,
        connection(port) as asking,
    ):
        asking.sendall(posting(len(photo)) + photo)
        assert slow.begun.wait(10)
        time.sleep(1.2 * CLIENT)
        assert health(port)[0] == 503
        slow.go.set()
        assert asking.recv(4000).startswith(b"HTTP/1.1 200")


def test_a_client_that_sends_too_much_learns_why(port):
    """It sends all before it reads the answer, which a closed connection would have lost."""
    sending = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    sending.request("POST", "/v1/landmarks", b"x" * 20_000_000)
    answer = sending.getresponse()
    assert answer.status == 413 and b"larger than" in answer.read()
    sending.request("GET", "/healthz")
    assert sending.getresponse().status == 200
    sending.close()


def test_a_body_in_chunks_is_refused_before_they_cost_anything(port):
    head = b"POST /v1/landmarks HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connection(port) as flooding:
        flooding.sendall(head + b"1\r\nx\r\n" * 40_000)
        assert health(port) < (200, 0.3)
        answer = flooding.recv(4000)
        assert answer.startswith(b"HTTP/1.1 400") and b"comes in chunks" in answer
        assert is_closed(flooding)


def test_what_is_not_http_is_answered_in_json_and_a_stop_still_ends_well(predictor):
    with (
        served(create_app({"nano": predictor}, Settings()), Settings()) as port,
        connection(port) as lost,
    ):
        lost.sendall(b"HELLO\r\n\r\n")
        answer = lost.recv(4000)
        assert answer.startswith(b"HTTP/1.1 400") and b'{"error":"' in answer


def test_bodies_in_memory_have_a_common_limit(predictor):
    settings = Settings(bodies_bytes=1500, max_bytes=1000)
    with served(create_app({"nano": predictor}, settings), settings) as port:
        url, form = f"http://127.0.0.1:{port}/v1/landmarks", {"file": ("a.png", b"x" * 700)}
        with connection(port) as first, connection(port) as second:
            for other in (first, second):
                other.sendall(posting(1000) + b"x" * 600)
            time.sleep(0.2)
            for refused in (httpx.post(url, content=b"x" * 700), httpx.post(url, files=form)):
                assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
                assert "uploads" in refused.json()["error"]
            assert httpx.post(url, content=b"x" * 200).status_code == 415
        time.sleep(0.2)
        assert httpx.post(url, content=b"x" * 700).status_code == 415


def masked(opcode: Opcode, data: bytes = b"", fin: bool = True) -> bytes:
    """A frame as a client sends it, made by another library than the code under test."""
    return Frame(opcode, data, fin).serialize(mask=True)


def test_frames_are_counted_however_the_bytes_are_cut():
    draw = random.Random(0)
    sizes = [0, 0, 1, 125, 126, 300, 65_535, 65_536] * 2
    draw.shuffle(sizes)
    data = b"".join(masked(draw.choice(list(Opcode)[:3]), b"x" * size) for size in sizes)
    for longest in (1, 7, 1000, 100_000, len(data)):
        counter, counted, at = FrameCounter(), 0, 0
        while at < len(data):
            end = at + draw.randint(1, longest)
            counted += counter.count(data[at:end], 1000)
            at = end
        assert counted == len(sizes), longest


@pytest.mark.parametrize(
    ("first", "flood"),
    [
        (masked(Opcode.BINARY, fin=False), masked(Opcode.CONT, fin=False)),
        (b"", masked(Opcode.BINARY)),
        (b"", masked(Opcode.PING)),
    ],
    ids=["fragments", "messages", "pings"],
)
def test_a_stream_flooded_with(first, flood, port):
    answers: list[tuple[int, float]] = []
    with connect(f"ws://127.0.0.1:{port}/v1/stream", compression=None) as stream:

        def send() -> None:
            try:
                stream.socket.sendall(first + flood * 300_000)
            except OSError:
                return  # closed by the server, as it should be

        sending = threading.Thread(target=send)
        sending.start()
        for _ in range(10):
            answers.append(health(port))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                stream.recv(10)
        sending.join(10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "too many frames")
    assert max(answers) < (200, 0.5)


def test_a_stream_in_many_fragments_is_served_and_may_pause(port, photo):
    """The limits for requests do not hold for the stream that a connection has turned into."""
    with connect(f"ws://127.0.0.1:{port}/v1/stream", compression=None) as stream:
        for _ in range(2):
            step = len(photo) // (FRAMES_PER_SECOND // 4)
            stream.send([photo[at : at + step] for at in range(0, len(photo), step)])
            assert '"faces":[{' in stream.recv(10)
            time.sleep(1.5 * CLIENT)


def test_a_stream_that_takes_no_answers_is_closed(port, monkeypatch):
    # Many pings, so that the system's buffers are full soon.
    monkeypatch.setattr("fkd.server.protocol.FRAMES_PER_SECOND", 1_000_000)
    frame = masked(Opcode.BINARY, b"no picture")
    upgrade = (
        b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    ping = masked(Opcode.PING, b"x" * 125)
    with connection(port, receive_buffer=2048) as deaf:
        deaf.sendall(upgrade)
        assert deaf.recv(4000).startswith(b"HTTP/1.1 101")
        deaf.settimeout(0.1)
        until = time.monotonic() + 10 * CLIENT
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() < until:
                deaf.sendall(ping * 200 + frame)
                time.sleep(0.002)


def test_a_stream_that_meets_an_unforeseen_fault_closes_with_1011(
    predictor, photo, monkeypatch, capfd
):
    def fault(*args: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr("fkd.server.stream.decode_upload", fault)
    with (
        served(create_app({"nano": predictor}, Settings()), Settings()) as port,
        connect(f"ws://127.0.0.1:{port}/v1/stream") as stream,
    ):
        stream.send(photo)
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(10)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1011
    assert "ZeroDivisionError: unforeseen" in capfd.readouterr().err


def test_a_stop_finishes_what_is_in_flight(predictor, photo):
    slow, stack = Slow(predictor.info), ExitStack()
    port = stack.enter_context(served(create_app({"slow": slow}, Settings()), Settings()))
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.post(f"http://127.0.0.1:{port}/v1/landmarks", content=photo))

    asking = threading.Thread(target=ask)
    asking.start()
    assert slow.begun.wait(10)
    stopping = threading.Thread(target=stack.close)
    stopping.start()
    time.sleep(0.3)
    assert not answers  # it waits
    slow.go.set()
    asking.join(10)
    stopping.join(20)
    assert answers[0].status_code == 200


def test_too_few_descriptors_are_one_sentence():
    command = f"ulimit -n 60; {sys.executable} -m fkd serve --port 0 --model nano"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and ended.stdout == ""
    assert "file descriptors must be free; raise the limit" in ended.stderr.splitlines()[-1]
