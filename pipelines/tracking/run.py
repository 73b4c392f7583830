"""The run that the stages of one pipeline run tell what they do."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.stage import write_json
from pipelines.tracking.data_sets import DataSet
from pipelines.tracking.mlflow_store import MlflowStore
from pipelines.tracking.open_runs import abandoned, note_open
from pipelines.tracking.outbox import METRICS, Outbox, Record, say
from pipelines.tracking.registry import REGISTERED
from pipelines.tracking.source import source_tags
from pipelines.tracking.system_metrics import system_metrics


class Run:
    """A run in the tracking store; records that the store does not take wait for it.

    key: the run's id, or what names it until it has one. opening: the record that opens it.
    """

    def __init__(self, key: str, opening: Record) -> None:
        self._outbox = Outbox(key, opening, MlflowStore())
        self._outbox.put(opening)
        for killed, file in abandoned():
            self.close_killed(killed, continued=False)
            file.unlink(missing_ok=True)
        self._noted = note_open(self.id)

    @property
    def id(self) -> str:
        """MLflow's id of the run; while the store is away a key that finds it later."""
        return self._outbox.run_id

    def params(self, values: Mapping[str, Any]) -> None:
        """Record parameters that the run does not have yet; MLflow refuses to change one."""
        told = {key: str(value) for key, value in values.items()}
        self._outbox.put({"kind": "params", "values": told})

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record numbers at a step."""
        told = {key: float(value) for key, value in values.items()}
        now = int(1000 * time.time())
        self._outbox.put({"kind": METRICS, "values": told, "step": step, "milliseconds": now})

    def inputs(self, sets: list[DataSet]) -> None:
        """Record which data sets the run reads, with what tells their content."""
        self._outbox.put({"kind": "inputs", "sets": [each._asdict() for each in sets]})

    def parent(self, role: str, model: str, run: str) -> None:
        """Record a model that the run learns from: "init" say, its name, and its run."""
        self._outbox.put({"kind": "parent", "role": role, "model": model, "run": run})

    def describe(self, heading: str, text: str) -> None:
        """Write a section of the run's description, Markdown, in place of one with its heading."""
        self._outbox.put({"kind": "description", "heading": heading, "text": text})

    def files(self, paths: list[Path], folder: str) -> None:
        """Store files under a folder of the run's artifacts."""
        for path in paths:
            if not path.is_file():
                say(f"{path} was not recorded: there is no such file")
        there = [str(path.resolve()) for path in paths if path.is_file()]
        self._outbox.put({"kind": "files", "paths": there, "folder": folder})

    def register(self, onnx_file: Path, name: str = REGISTERED) -> None:
        """Log the model, and register it as a version of the registered model `name`."""
        there = [str(onnx_file.resolve())]
        self._outbox.put({"kind": "register", "paths": there, "name": name})

    def close_killed(self, killed: str, continued: bool) -> None:
        """Close a run that was killed; link it with this one where that goes on with its work."""
        self._outbox.put({"kind": "killed", "run": killed, "continued": continued})

    def end(self, status: str) -> None:
        """Close the run as FINISHED or FAILED, and try once more to send what waits."""
        self._outbox.put({"kind": "end", "status": status})
        self._outbox.send()
        self._noted.unlink(missing_ok=True)


def record_export(
    run: Run, model: Path, name: str, parity: Mapping[str, Any], report: Path
) -> None:
    """Store an exported model's parity with torch in a folder of reports, tell the run, and
    register the model. Raises OSError."""
    write_json(report / "parity.json", parity)
    run.metrics({f"export/{key}": float(value) for key, value in parity.items()})
    run.files([model, report / "parity.json"], "export")
    run.register(model, name)


@contextmanager
def new_run(extra_tags: Mapping[str, str]) -> Iterator[Run]:
    """A new run, tagged with what produced it; finished or failed when the block ends."""
    key = f"waiting-{uuid.uuid4().hex}"
    with (
        _ended(Run(key, _opening({**extra_tags, "key": key}, resume=""))) as run,
        system_metrics(run.metrics),
    ):
        yield run


@contextmanager
def resumed_run(run_id: str) -> Iterator[Run]:
    """The run of this id; where the store does not know it, one tagged as restored from it.

    The id comes from a checkpoint, which may be anybody's, and names a folder here.
    """
    if not run_id.replace("-", "").isalnum():
        run_id = f"unnamed-{hashlib.sha256(run_id.encode()).hexdigest()[:32]}"
    with _ended(Run(run_id, _opening({}, resume=run_id))) as run:
        yield run


def _opening(tags: Mapping[str, str], resume: str) -> Record:
    name = os.environ.get("DVC_EXP_NAME", "")
    return {"kind": "open", "resume": resume, "name": name, "tags": {**source_tags(), **tags}}


@contextmanager
def _ended(run: Run) -> Iterator[Run]:
    try:
        yield run
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")
