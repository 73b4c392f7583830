"""What a run has to tell waits here until the store takes it: in memory, and on disk when the
store is away, so that a later stage can send it."""

import json
import os
import shutil
import sys
import threading
import time
import uuid
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from fkd.io.files import reason, write_whole
from fkd.io.text import printable

FOLDER = "mlflow-outbox"
RECORDS, FILES = "records.jsonl", "files"
# After a call that failed the store is left alone for so many times as long as that took, which
# costs a long stage 2 % of its time at most. One last try comes on top, when the stage ends.
PATIENCE = 50.0

# One thing to tell: its "kind", and what belongs to it, ready for JSON. Records of numbers that
# wait behind each other are delivered "together", in one call.
METRICS = "metrics"
Record = dict[str, Any]


class Unreachable(Exception):
    """The store does not take records now; the message is why."""


class Store(Protocol):
    """Where records go. run_id: of the run that was opened there, "" before."""

    run_id: str

    def deliver(self, record: Record) -> None:
        """Send a record. Raises Unreachable when it must wait."""


class Outbox:
    """The records of one run, sent in their order.

    key: names the run until the store has given it an id. opening: the record that opens it, which
    the caller puts first. What waits from an earlier stage is sent before that.
    """

    def __init__(self, key: str, opening: Record, store: Store) -> None:
        self._key, self._opening, self._store = key, opening, store
        self._kept: Path | None = folder_of(key)
        self._waiting = waiting_records(folder_of(key))
        self._next_try = 0.0  # on the monotonic clock
        self._told = False
        self._lock = threading.RLock()  # what a training takes of its machine comes from a thread

    @property
    def run_id(self) -> str:
        """What the store calls the run, or the key while it is away."""
        return self._store.run_id or self._key

    def put(self, record: Record) -> None:
        """Send a record after those that wait, or let it wait with them."""
        with self._lock:
            self._waiting.append(record)
            if time.monotonic() < self._next_try:
                self._keep()
            else:
                self.send()

    def send(self) -> bool:
        """Try to send all that waits; whether nothing waits any more."""
        with self._lock:
            while self._waiting:
                begun, (record, count) = time.monotonic(), self._next()
                try:
                    self._store.deliver(record)
                except Unreachable as error:
                    now = time.monotonic()
                    self._next_try = now + PATIENCE * (now - begun)
                    self._keep()
                    self._tell(str(error))
                    return False
                del self._waiting[:count]
            self._forget()
            return True

    def _next(self) -> tuple[Record, int]:
        """What is delivered next, and how many of those that wait it is."""
        numbers = list(takewhile(lambda each: each["kind"] == METRICS, self._waiting))
        if numbers:
            return {"kind": METRICS, "together": numbers}, len(numbers)
        return self._waiting[0], 1

    def _keep(self) -> None:
        """Write all that waits to disk, in the folder of the run's present id."""
        if self._waiting[0]["kind"] != "open":
            self._waiting.insert(0, {**self._opening, "resume": self.run_id})
        folder = folder_of(self.run_id)
        try:
            for record in self._waiting:
                _keep_files(record, folder)
            lines = [json.dumps(record) + "\n" for record in self._waiting]
            write_whole(folder / RECORDS, "".join(lines).encode())
        except OSError as error:
            say(f"{folder}: {reason(error)}; what waits is lost when this stage ends")
            return
        if self._kept != folder:
            self._forget()
            self._kept = folder

    def _forget(self) -> None:
        if self._kept and self._kept.exists():
            shutil.rmtree(self._kept)
        self._kept = None

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            say(
                f"the store does not take records ({why}); the work goes on, and they wait in "
                f"{FOLDER} until a later stage or `python -m pipelines.tracking` sends them"
            )


def _keep_files(record: Record, folder: Path) -> None:
    """Copy the files of a record: the next run of its stage may overwrite them."""
    for place, path in enumerate(record.get("paths", [])):
        if folder not in Path(path).parents:
            copy = folder / FILES / uuid.uuid4().hex / Path(path).name
            copy.parent.mkdir(parents=True)
            record["paths"][place] = str(shutil.copy2(path, copy))


def folder_of(run: str) -> Path:
    """Where the records of a run wait, named by its id or key."""
    return project() / FOLDER / run


def waiting_records(folder: Path) -> list[Record]:
    """What waits in the folder of a run; the first record opens it."""
    path = folder / RECORDS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def project() -> Path:
    """The project's main folder, also inside DVC's temporary copies of it."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def say(line: str) -> None:
    """One line about tracking, for the person at the terminal."""
    print(printable(f"MLflow: {line}"), file=sys.stderr, flush=True)
