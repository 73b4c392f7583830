"""MLflow's tracking store. This module and its registry are the only ones that import MLflow."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fkd.io.files import reason
from pipelines.tracking.outbox import Record, Unreachable, project, say
from pipelines.tracking.registry import log_model

EXPERIMENT = "fkd"
DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
LOCAL_UI = "http://127.0.0.1:5000"  # of `make ui`
# What MLflow takes in one call.
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000
# How long a call may take; a store needs longer for what it stores elsewhere.
TIMEOUT, RETRIES = "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SECONDS, SECONDS_OF_FILES = 5, 120
# MLflow's codes for what may go well another time.
MAY_PASS = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "RESOURCE_EXHAUSTED")


class MlflowStore:
    """A run in MLflow's tracking store."""

    def __init__(self) -> None:
        self.run_id = ""
        self._client: Any = None

    def deliver(self, record: Record) -> None:
        """Send one record; one that the store refuses for good is named and dropped.

        Raises Unreachable when it must wait.
        """
        kind = record["kind"]
        try:
            if kind == "open":
                self._client = connect()
                self.run_id = open_run(self._client, record)
            else:
                SENDERS[kind](self._client, self.run_id, record)
        except Exception as error:
            if kind == "open" or _may_pass(error):
                raise Unreachable(_why(error)) from error
            say(f"{kind} was not recorded: {_why(error)}")


def connect() -> Any:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the project's own."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault(RETRIES, "0")  # the outbox tries again, without stopping the work
    os.environ.setdefault(TIMEOUT, str(SECONDS))
    import mlflow

    mlflow.set_tracking_uri(tracking_uri())
    return mlflow.MlflowClient(tracking_uri())


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or a database file in the project's main folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project() / DATABASE}"


def open_run(client: Any, record: Record) -> str:
    """The id of the run that a record opens: an earlier one to go on with, or a new one."""
    experiment, resume, tags = _experiment(client), record["resume"], record["tags"]
    if not resume:
        return _tagged(client, experiment, {"key": tags["key"]}) or _create(
            client, experiment, record
        )
    known = _run_called(client, experiment, resume)
    # An experiment that only evaluates anew must not change the run that trained.
    name = tags.get("dvc_experiment", "")
    if known and name == known.data.tags.get("dvc_experiment", ""):
        run_id = str(known.info.run_id)
    else:
        run_id = _restored(client, experiment, record, name)
    client.set_terminated(run_id, "RUNNING")
    return run_id


def _restored(client: Any, experiment: str, record: Record, name: str) -> str:
    """The run that stands for one of another store or experiment; all stages share it."""
    resume = record["resume"]
    shared = _tagged(client, experiment, {"restored_from": resume, "dvc_experiment": name})
    if shared:
        return shared
    say(f"run {resume} is not in this store or experiment; a new one is opened")
    tags = {**record["tags"], "restored_from": resume}
    return _create(client, experiment, {**record, "tags": tags})


def _run_called(client: Any, experiment: str, name: str) -> Any:
    """The run of an id, or of the key that it had before; None where there is none."""
    from mlflow.exceptions import MlflowException

    run_id = _tagged(client, experiment, {"key": name}) or name
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if _may_pass(error):
            raise
        return None


def _tagged(client: Any, experiment: str, tags: dict[str, str]) -> str:
    """The id of the latest run with these tags, "" for none. An empty value is a missing tag."""
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items() if value)
    for run in client.search_runs([experiment], wanted):
        if all(run.data.tags.get(key, "") == value for key, value in tags.items()):
            return str(run.info.run_id)
    return ""


def _create(client: Any, experiment: str, record: Record) -> str:
    run = client.create_run(experiment, run_name=record["name"] or None, tags=record["tags"])
    return str(run.info.run_id)


def create_finished_run(client: Any, name: str) -> str:
    """The id of a new run that no stage makes."""
    run_id = _create(client, _experiment(client), {"name": name, "tags": {}})
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _experiment(client: Any) -> str:
    """The id of the project's experiment. A new one beside a local database keeps its artifacts in
    a folder of their own."""
    known = client.get_experiment_by_name(EXPERIMENT)
    if known:
        return str(known.experiment_id)
    local = tracking_uri().startswith("sqlite:")
    location = (project() / ARTIFACTS).as_uri() if local else None
    return str(client.create_experiment(EXPERIMENT, artifact_location=location))


def send_params(client: Any, run_id: str, record: Record) -> None:
    """Parameters that the run does not have yet."""
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    new = [Param(key, value) for key, value in record["values"].items() if key not in known]
    for start in range(0, len(new), PARAMS_AT_ONCE):
        client.log_batch(run_id, params=new[start : start + PARAMS_AT_ONCE])


def send_metrics(client: Any, run_id: str, record: Record) -> None:
    """Numbers at a step, with the time at which they were told."""
    from mlflow.entities import Metric

    when, step = record["milliseconds"], record["step"]
    told = [Metric(key, value, when, step) for key, value in record["values"].items()]
    for start in range(0, len(told), METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=told[start : start + METRICS_AT_ONCE])


def send_files(client: Any, run_id: str, record: Record) -> None:
    """Files, to a folder of the run's artifacts."""
    with _time_for_files(client, run_id):
        for path in record["paths"]:
            client.log_artifact(run_id, path, record["folder"])


def send_model(client: Any, run_id: str, record: Record) -> None:
    """The model, to the run and to the registry."""
    with _time_for_files(client, run_id):
        log_model(client, run_id, Path(record["paths"][0]), record["name"])


@contextmanager
def _time_for_files(client: Any, run_id: str) -> Iterator[None]:
    """More time for each call, once the store has shown that it answers at all."""
    client.get_run(run_id)
    usual = os.environ[TIMEOUT]
    os.environ[TIMEOUT] = str(max(int(usual), SECONDS_OF_FILES))
    try:
        yield
    finally:
        os.environ[TIMEOUT] = usual


def send_killed(client: Any, run_id: str, record: Record) -> None:
    """The end of another run that nobody could end, and the link between the two."""
    killed = _run_called(client, _experiment(client), record["run"])
    if killed is None:
        return
    if killed.info.status == "RUNNING":
        client.set_terminated(killed.info.run_id, "KILLED")
    if record["continued"]:
        client.set_tag(killed.info.run_id, "continued_by", run_id)
        client.set_tag(run_id, "continues", killed.info.run_id)


def send_end(client: Any, run_id: str, record: Record) -> None:
    """The run's end."""
    client.set_terminated(run_id, record["status"])


SENDERS = {
    "params": send_params,
    "metrics": send_metrics,
    "files": send_files,
    "register": send_model,
    "killed": send_killed,
    "end": send_end,
}


@contextmanager
def calls_to_store() -> Iterator[None]:
    """Calls that nothing repeats: MLflow's errors become Unreachable."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise Unreachable(_why(error)) from error


def run_link(run_id: str) -> str:
    """The address of a run's page; of a local database where `make ui` shows it. Raises Unreachable
    where the store does not tell."""
    with calls_to_store():
        experiment = connect().get_run(run_id).info.experiment_id
    uri = tracking_uri()
    server = uri.rstrip("/") if uri.startswith("http") else LOCAL_UI
    return f"{server}/#/experiments/{experiment}/runs/{run_id}"


def _may_pass(error: Exception) -> bool:
    """Whether the same call may go well another time."""
    return isinstance(error, OSError) or getattr(error, "error_code", "") in MAY_PASS


def _why(error: BaseException) -> str:
    """The system's own word where it is the cause ("connection refused"), else MLflow's."""
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for cause in reversed(causes):
        if isinstance(cause, OSError):
            return reason(cause)
    return str(error).strip().split("\n")[0]
