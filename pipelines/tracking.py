"""MLflow, and nothing but MLflow: the only module that imports it.

Trouble with tracking never stops the work: it is said on standard error and the work goes on.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

EXPERIMENT = "fkd"
REGISTERED = "fkd"
DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
# What MLflow takes in one call.
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000


class Run(Protocol):
    """What a stage tells about itself."""

    id: str

    def params(self, values: Mapping[str, Any]) -> None: ...
    def metrics(self, values: Mapping[str, float], step: int = 0) -> None: ...
    def files(self, paths: list[Path], folder: str) -> None: ...
    def register(self, onnx_file: Path, score: float, passed: bool, test_set: str) -> None: ...


class SilentRun:
    """The twin that tells nobody, for work that is not tracked."""

    id = ""

    def params(self, values: Mapping[str, Any]) -> None:
        """Nothing."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Nothing."""

    def files(self, paths: list[Path], folder: str) -> None:
        """Nothing."""

    def register(self, onnx_file: Path, score: float, passed: bool, test_set: str) -> None:
        """Nothing."""


Method = TypeVar("Method", bound=Callable[..., None])


def _never_fatal(method: Method) -> Method:
    """Say what failed and go on."""

    @wraps(method)
    def tried(*args: Any, **kwargs: Any) -> None:
        try:
            method(*args, **kwargs)
        except Exception as error:
            _warn(method.__name__, error)

    return tried  # type: ignore[return-value]


def _warn(what: str, error: Exception) -> None:
    reason = str(error).strip().split("\n")[0]
    print(f"MLflow: {what} was not recorded: {reason}", file=sys.stderr, flush=True)


class MlflowRun:
    """A run in the tracking store."""

    def __init__(self, client: Any, run_id: str) -> None:
        self._client = client
        self.id = run_id

    @_never_fatal
    def params(self, values: Mapping[str, Any]) -> None:
        """Record parameters that the run does not have yet; MLflow refuses to change one."""
        from mlflow.entities import Param

        known = self._client.get_run(self.id).data.params
        new = [Param(key, str(value)) for key, value in values.items() if key not in known]
        for start in range(0, len(new), PARAMS_AT_ONCE):
            self._client.log_batch(self.id, params=new[start : start + PARAMS_AT_ONCE])

    @_never_fatal
    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record numbers at a step."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        told = [Metric(key, float(value), now, step) for key, value in values.items()]
        for start in range(0, len(told), METRICS_AT_ONCE):
            self._client.log_batch(self.id, metrics=told[start : start + METRICS_AT_ONCE])

    @_never_fatal
    def files(self, paths: list[Path], folder: str) -> None:
        """Store files under a folder of the run's artifacts."""
        for path in paths:
            self._client.log_artifact(self.id, str(path), folder)

    @_never_fatal
    def register(self, onnx_file: Path, score: float, passed: bool, test_set: str) -> None:
        """Log the model and register it as a version of `fkd`.

        It becomes `champion` when parity passed and it scores better (lower) than the champion on
        the same test set, or there is none; else it is `challenger`.
        """
        version = _log_model(self.id, onnx_file)
        for key, value in (("nme", str(score)), ("test_set", test_set)):
            self._client.set_model_version_tag(REGISTERED, version, key, value)
        better = passed and _beats_champion(self._client, score, test_set)
        alias = "champion" if better else "challenger"
        self._client.set_registered_model_alias(REGISTERED, alias, version)
        print(f"registered {REGISTERED} version {version} as {alias}")


def _beats_champion(client: Any, score: float, test_set: str) -> bool:
    if "champion" not in client.get_registered_model(REGISTERED).aliases:
        return True
    champion = client.get_model_version_by_alias(REGISTERED, "champion")
    if champion.tags.get("test_set") != test_set:
        return False
    return score < float(champion.tags["nme"])


def _log_model(run_id: str, onnx_file: Path) -> str:
    """The version number that the model got."""
    import mlflow
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    proto = onnx.load(onnx_file)  # a fresh one: logging changes what it is given
    inputs, outputs = (
        Schema([TensorSpec(np.dtype(np.float32), _batch_shape(value), value.name) for value in of])
        for of in (proto.graph.input, proto.graph.output)
    )
    signature = ModelSignature(inputs=inputs, outputs=outputs)
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.onnx.log_model(
            proto,
            name="model",
            signature=signature,
            registered_model_name=REGISTERED,
            pip_requirements=["onnxruntime", "numpy"],
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
    return str(logged.registered_model_version)


def _batch_shape(value: Any) -> tuple[int, ...]:
    """The shape of an ONNX graph's input or output, -1 for the batch."""
    return (-1, *(dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]))


@contextmanager
def new_run(extra_tags: Mapping[str, str]) -> Iterator[Run]:
    """A new run, tagged with what produced it; finished or failed when the block ends."""
    with _ended(_open(None, extra_tags)) as run:
        yield run


@contextmanager
def resumed_run(run_id: str) -> Iterator[Run]:
    """The run of this id; where the store does not know it, a new one tagged as restored."""
    with _ended(_open(run_id, {"restored_from": run_id})) as run:
        yield run


@contextmanager
def _ended(run: Run) -> Iterator[Run]:
    try:
        yield run
    except BaseException:
        _end(run, "FAILED")
        raise
    _end(run, "FINISHED")


@_never_fatal
def _end(run: Run, status: str) -> None:
    if isinstance(run, MlflowRun):
        run._client.set_terminated(run.id, status)


def _open(run_id: str | None, tags: Mapping[str, str]) -> Run:
    try:
        return _open_mlflow(run_id, tags)
    except Exception as error:
        _warn("the run", error)
        return SilentRun()


def _open_mlflow(run_id: str | None, tags: Mapping[str, str]) -> MlflowRun:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import mlflow
    from mlflow.exceptions import MlflowException

    uri = tracking_uri()
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    if run_id:
        try:
            known = client.get_run(run_id)
        except MlflowException:
            print(
                f"MLflow: run {run_id} is not in this store; a new one is opened", file=sys.stderr
            )
        else:
            # An experiment that only evaluates anew must not change the run that trained.
            name = os.environ.get("DVC_EXP_NAME", "")
            if name == known.data.tags.get("dvc_experiment", ""):
                client.set_terminated(run_id, "RUNNING")
                return MlflowRun(client, run_id)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    where = experiment.experiment_id if experiment else _create_experiment(client, uri)
    run = client.create_run(
        where, run_name=os.environ.get("DVC_EXP_NAME"), tags={**source_tags(), **tags}
    )
    return MlflowRun(client, run.info.run_id)


def _create_experiment(client: Any, uri: str) -> str:
    """A new experiment; beside a local database its artifacts stand in a folder of their own."""
    folder = root() / ARTIFACTS
    location = folder.as_uri() if uri.startswith("sqlite:") else None
    return str(client.create_experiment(EXPERIMENT, artifact_location=location))


def root() -> Path:
    """The project's main folder, also inside DVC's temporary copies of it."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or a database file in the project's main folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root() / DATABASE}"


def source_tags() -> dict[str, str]:
    """Commit, branch and state of the code, and the DVC experiment that runs it."""
    tags = {
        "git_commit": git("rev-parse", "HEAD"),
        "git_branch": git("rev-parse", "--abbrev-ref", "HEAD"),
        "git_dirty": str(bool(git("status", "--porcelain", "--untracked-files=no"))).lower(),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME", ""),
        "dvc_baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
    }
    return {key: value for key, value in tags.items() if value}


def git(*arguments: str) -> str:
    """The output of a git command in the current folder, "" where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
