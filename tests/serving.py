"""Servers for tests that use them over the network."""

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
from fkd.server.run import uvicorn_config
from fkd.server.settings import Settings


@contextmanager
def fkd_serve(port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address and process of `fkd serve`, once it answers; it must end well when it is
    terminated."""
    running = subprocess.Popen([sys.executable, "-m", "fkd", "serve", "--port", str(port)])
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
    server = uvicorn.Server(uvicorn_config(app, settings, "127.0.0.1", 0))
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(server.run)
        while not server.started:
            time.sleep(0.01)
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            running.result(20)


class Slow:
    """A predictor that waits until `go` is set."""

    def __init__(self, info) -> None:
        self.info, self.min_score = info, None
        self.go, self.begun = threading.Event(), threading.Event()

    def analyse(self, image, boxes=None, timer=None) -> Analysis:
        self.begun.set()
        self.go.wait(20)
        return Analysis([], {"points": 1.0})
