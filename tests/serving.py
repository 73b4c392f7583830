"""Servers for tests that use them over the network."""

import select
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from fkd.inference.predictor import Analysis
from fkd.server.run import listen, uvicorn_config
from fkd.server.settings import Settings


@contextmanager
def fkd_serve(port: int, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address and process of `fkd serve`, once it answers; it must end well when it is
    terminated."""
    command = [sys.executable, "-m", "fkd", "serve", "--port", str(port), *options]
    running = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address, running
    finally:
        running.terminate()
        ended = running.wait(20)
    assert ended in (0, -15), ended


@contextmanager
def served(app: FastAPI, settings: Settings) -> Iterator[int]:
    """The port of a server in a thread, as `fkd serve` runs it; it must end well."""
    server = uvicorn.Server(uvicorn_config(app, settings))
    listening = listen("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(server.run, [listening])
        while not server.started:
            time.sleep(0.01)
        try:
            yield port
        finally:
            server.should_exit = True
            running.result(20)


@contextmanager
def stripping_proxy(root_path: str, port: int) -> Iterator[int]:
    """The port of a proxy that shows a server below a path, which it takes from the requests that
    it passes on, one a connection. Other paths are 404."""
    below = root_path.encode()

    class Passing(socketserver.StreamRequestHandler):
        rbufsize = 0  # what follows the head is left to _exchange

        def handle(self) -> None:
            request = self.rfile.readline()
            if not request:  # browsers open connections before they need them
                return
            method, path, version = request.split()
            if not path.startswith(below + b"/"):
                self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            headers = list(iter(self.rfile.readline, b"\r\n"))
            kept = [line for line in headers if line.lower() != b"connection: keep-alive\r\n"]
            if kept != headers:
                kept.append(b"Connection: close\r\n")
            with socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall(b" ".join([method, path.removeprefix(below), version]) + b"\r\n")
                server.sendall(b"".join(kept) + b"\r\n")
                _exchange(self.connection, server)

    socketserver.ThreadingTCPServer.daemon_threads = True
    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing) as proxy,
        ThreadPoolExecutor(1) as threads,
    ):
        threads.submit(proxy.serve_forever)
        try:
            yield proxy.server_address[1]
        finally:
            proxy.shutdown()


def _exchange(client: socket.socket, server: socket.socket) -> None:
    """Pass on what both send, until one closes."""
    other = {client: server, server: client}
    while True:
        for sender in select.select(list(other), [], [])[0]:
            data = sender.recv(65_536)
            if not data:
                return
            other[sender].sendall(data)


class Slow:
    """A predictor that waits until `go` is set."""

    def __init__(self, info) -> None:
        self.info, self.min_score, self.version = info, None, None
        self.go, self.begun = threading.Event(), threading.Event()

    def analyse(self, image, boxes=None, timer=None, min_face=None) -> Analysis:
        self.begun.set()
        self.go.wait(20)
        return Analysis([], {"points": 1.0}, min_face=24)
