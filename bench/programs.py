"""The programs that are compared, each in processes of its own on chosen cores."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.exchange import BenchError, answers
from bench.faces import Points

# Processes whose median is a program's time.
ROUNDS = 5


@dataclass(frozen=True)
class Start:
    """seconds: of a process that looks at one photo. memory: the most it held, MB. file: its
    model's size, MB."""

    seconds: float
    memory: float
    file: float


@dataclass(frozen=True)
class Program:
    """How a program is started: `python -m module name TASK FOLDER ...`."""

    python: Path
    module: str
    name: str

    def answer(self, folder: Path) -> list[Points]:
        """What is found in each job of a folder: points (K, P, 2), or a detector's rows (K, 4)."""
        with tempfile.TemporaryDirectory() as place:
            output = Path(place) / "answers.npz"
            self._run("answer", str(folder), str(output))
            return answers(output)

    def times(self, folder: Path, cores: int) -> dict[str, float]:
        """Milliseconds by step on a folder's first picture."""
        return dict(json.loads(self._run("times", str(folder), str(cores), cores=cores)))

    def cold_start(self, folder: Path) -> Start:
        """A process that looks at one photo and ends."""
        started = time.perf_counter()
        told = json.loads(self._run("once", str(folder)))
        return Start(time.perf_counter() - started, told["memory"], told["file"])

    def _run(self, *arguments: str, cores: int = 0) -> str:
        """What a task prints. cores: how many of the machine it may use, 0 for all."""
        allowed = sorted(os.sched_getaffinity(0))

        def keep_to_cores() -> None:
            os.sched_setaffinity(0, allowed[: cores or len(allowed)])

        try:
            done = subprocess.run(
                [self.python, "-m", self.module, self.name, *arguments],
                capture_output=True,
                text=True,
                preexec_fn=keep_to_cores,
            )
        except OSError as error:
            raise BenchError(f"{self.python}: {(error.strerror or str(error)).lower()}") from None
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise BenchError(f"{self.name} {arguments[0]}: {last[0]}")
        return done.stdout


def own(name: str) -> Program:
    """A model of this project, or "boxes", its detector alone."""
    return Program(Path(sys.executable), "bench.ours", name)


def peer(name: str, python: Path) -> Program:
    """dlib, its detector alone ("dlib-boxes"), or MediaPipe."""
    return Program(python, "bench.peers", name)


def median_times(
    programs: dict[str, Program], folder: Path, all_cores: Sequence[int]
) -> dict[str, dict[int, dict[str, float]]]:
    """Milliseconds by program, cores and step: medians over several processes, so that one
    disturbed round does not count. The programs take turns in each round, so that a slow minute of
    the machine falls upon all of them."""
    runs: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        for cores in all_cores:
            for name, program in programs.items():
                runs[name, cores].append(program.times(folder, cores))
    return {name: {cores: _medians(runs[name, cores]) for cores in all_cores} for name in programs}


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {step: float(np.median([run[step] for run in runs])) for step in runs[0]}
