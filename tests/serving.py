"""`fkd serve` in a process of its own, for tests that use it over the network."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def fkd_serve(port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address and process, once it answers; it must end well when it is terminated."""
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
