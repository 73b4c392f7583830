"""Which runs are open here: those whose process was killed are closed by the next that starts."""

import json
import os
import platform
import uuid
from pathlib import Path

import psutil

from fkd.io.files import reason, write_whole
from pipelines.tracking.outbox import project, say

FOLDER = "mlflow-running"


def note_open(run: str) -> Path:
    """Write down that this process has a run open; the file that says so."""
    file = project() / FOLDER / f"{uuid.uuid4().hex}.json"
    try:
        write_whole(file, json.dumps({"run": run, **_process(os.getpid())}).encode())
    except OSError as error:
        say(f"{file}: {reason(error)}; if this process is killed, its run stays open")
    return file


def abandoned() -> list[tuple[str, Path]]:
    """The runs whose process is gone, and the files that say so. Those of another machine, which
    may share this folder, are its own affair."""
    found = []
    for file in sorted((project() / FOLDER).glob("*.json")):
        noted = json.loads(file.read_text())
        run = noted.pop("run")
        if noted["host"] == platform.node() and noted != _process(noted["pid"]):
            found.append((run, file))
    return found


def _process(pid: int) -> dict[str, str | int | float]:
    """What tells a process from all others, a later one with its number too."""
    try:
        begun = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        begun = 0.0
    return {"host": platform.node(), "pid": pid, "begun": begun}
