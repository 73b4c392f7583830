"""Processes that go on when whoever started them ends: their log, and a file with their number.

Each is the first of a session, by which all that it has started is found, also where it was killed.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

SECONDS_TO_START, SECONDS_TO_END = 180.0, 20.0


def start(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    folder: Path,
    data: Path,
    at: tuple[str, int] | None = None,
) -> None:
    """Start a server in a folder, unless it runs. Its log and number go into `data`. at: host and
    port where it will listen; raises SystemExit where something else does, which would be taken for
    it."""
    if running(name, data):
        return
    stop(name, data)  # what a killed one has left, which may hold its port
    if at and listens(*at):
        raise SystemExit(
            f"team: {name}: something else listens at {at[0]}:{at[1]}; stop it, or set another "
            "port, as deploy/ports.env has them"
        )
    for part in ("logs", "processes"):
        (data / part).mkdir(parents=True, exist_ok=True)
    with (data / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    begun = psutil.Process(process.pid).create_time()
    _file(name, data).write_text(f"{process.pid} {begun}\n")


def running(name: str, data: Path) -> psutil.Process | None:
    """The process of a server that runs."""
    if (noted := _noted(name, data)) is None:
        return None
    pid, begun = noted
    try:
        process = psutil.Process(pid)
        alive = process.create_time() == begun and process.status() != psutil.STATUS_ZOMBIE
        return process if alive else None
    except psutil.NoSuchProcess:
        return None


def stop(name: str, data: Path, kill: bool = False) -> None:
    """End a server and all that it has started; `kill`: at once, as if it had crashed."""
    family = _session(name, data)
    for member in family:
        _signal(member, kill)
    _, left = psutil.wait_procs(family, timeout=SECONDS_TO_END)
    for member in left:
        _signal(member, True)
    _file(name, data).unlink(missing_ok=True)


def listens(host: str, port: int) -> bool:
    """Whether anything listens at a port."""
    with socket.socket() as trying:
        return trying.connect_ex((host, port)) == 0


def wait_for(name: str, answers: Callable[[], bool], data: Path) -> None:
    """Wait until a server answers. Raises SystemExit, which names its log."""
    begun = time.monotonic()
    while not answers():
        if time.monotonic() - begun > SECONDS_TO_START or not running(name, data):
            raise SystemExit(f"team: {name} did not start; {data / 'logs' / name}.log says why")
        time.sleep(0.3)


def _session(name: str, data: Path) -> list[psutil.Process]:
    """A server and all that it has started, without those that have ended."""
    if (noted := _noted(name, data)) is None:
        return []
    pid, begun = noted
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if process.pid == pid and process.create_time() != begun:
                return []  # the number is another process's now
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _noted(name: str, data: Path) -> tuple[int, float] | None:
    """The number of a server's process, and when it began."""
    file = _file(name, data)
    if not file.is_file():
        return None
    pid, begun = file.read_text().split()
    return int(pid), float(begun)


def _signal(process: psutil.Process, kill: bool) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()


def _file(name: str, data: Path) -> Path:
    return data / "processes" / name
