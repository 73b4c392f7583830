"""What a killed training leaves behind, and on what a training depends."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from fkd.io.files import write_whole
from fkd.io.text import csv_table
from pipelines.tracking import Run

EpochT = TypeVar("EpochT")


class EpochLog(Generic[EpochT]):
    """Tells a run each epoch's record once. log: tells it one record."""

    def __init__(self, log: Callable[[EpochT], None]) -> None:
        self._log = log
        self._told: list[EpochT] = []

    def add(self, record: EpochT) -> None:
        """Tell the run of an epoch that has ended."""
        self._log(record)
        self._told.append(record)

    def complete(self, history: Sequence[EpochT]) -> None:
        """And of those that a killed training had told to another run."""
        for record in history:
            if record not in self._told:
                self._log(record)


def write_history(kind: type[Any], history: Sequence[Any], path: Path) -> None:
    """Write the records of all epochs, instances of the dataclass `kind`, as a table. Raises
    OSError."""
    keys = [field.name for field in dataclasses.fields(kind)]
    write_whole(path, csv_table([keys, *map(dataclasses.astuple, history)]))


def take_over(run: Run, running: Path, state: Path, inputs: str) -> None:
    """Close the run of a training that was killed, and note which one is running now.

    running: file that names the run whose training has not ended. state: file of that training,
    which goes on when its `inputs` are the same.
    """
    digest = hashlib.sha256(inputs.encode()).hexdigest()
    if running.is_file():
        killed, _, of_inputs = running.read_text().strip().partition(" ")
        run.close_killed(killed, continued=state.is_file() and of_inputs == digest)
    write_whole(running, f"{run.id} {digest}\n".encode())


def fingerprint(paths: Iterable[Path]) -> str:
    """A short hash of some files, and of those that stand in some folders themselves."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            digest.update(file.name.encode())
            with file.open("rb") as opened:
                while block := opened.read(1 << 22):
                    digest.update(block)
    return digest.hexdigest()[:16]
