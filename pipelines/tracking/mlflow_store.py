"""MLflow's tracking store. Only modules of this package import MLflow."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fkd.models.registered import QUIET, why
from pipelines.tracking.outbox import METRICS, Record, Unreachable, say
from pipelines.tracking.registry import log_model
from pipelines.tracking.run_page import (
    LINEAGE,
    add_line,
    link,
    send_description,
    send_inputs,
    send_parent,
)
from pipelines.tracking.runs import experiment_of, may_pass, open_run, run_called, tracking_uri

LOCAL_UI = "http://127.0.0.1:5000"  # of `make ui`
# What MLflow takes in one call.
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000
# How long a call may take; a store needs longer for what it stores elsewhere.
TIMEOUT, RETRIES = "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SECONDS, SECONDS_OF_FILES = 5, 120


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
            if kind == "open" or may_pass(error):
                raise Unreachable(why(error)) from error
            if kind == METRICS and len(record["together"]) > 1:  # one of them may be at fault
                for each in record["together"]:
                    self.deliver({"kind": METRICS, "together": [each]})
                return
            say(f"{kind} was not recorded: {why(error)[:300]}")


def connect() -> Any:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the project's own."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault(RETRIES, "0")  # the outbox tries again, without stopping the work
    os.environ.setdefault(TIMEOUT, str(SECONDS))
    import mlflow

    mlflow.set_tracking_uri(tracking_uri())
    return mlflow.MlflowClient(tracking_uri())


def send_params(client: Any, run_id: str, record: Record) -> None:
    """Parameters that the run does not have yet."""
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    new = [Param(key, value) for key, value in record["values"].items() if key not in known]
    for start in range(0, len(new), PARAMS_AT_ONCE):
        client.log_batch(run_id, params=new[start : start + PARAMS_AT_ONCE])


def send_metrics(client: Any, run_id: str, record: Record) -> None:
    """Numbers at their steps, with the times at which they were told, of any number of records."""
    from mlflow.entities import Metric

    told = [
        Metric(key, value, each["milliseconds"], each["step"])
        for each in record["together"]
        for key, value in each["values"].items()
    ]
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
    killed = run_called(client, experiment_of(client), record["run"])
    if killed is None or killed.info.run_id == run_id:
        return
    if killed.info.status == "RUNNING":
        client.set_terminated(killed.info.run_id, "KILLED")
        client.set_tag(killed.info.run_id, "closed_by", run_id)
    if record["continued"]:
        client.set_tag(killed.info.run_id, "continued_by", run_id)
        client.set_tag(run_id, "continues", killed.info.run_id)
        add_line(client, run_id, LINEAGE, f"- goes on with the killed training {link(killed)}")
        going_on = link(client.get_run(run_id))
        add_line(client, killed.info.run_id, LINEAGE, f"- was killed; {going_on} goes on with it")


def close_abandoned(client: Any, gone: list[tuple[str, Path]]) -> None:
    """The end of runs whose process was killed, where no other run goes on. gone: as
    `open_runs.abandoned` says. Raises MlflowException."""
    for name, file in gone:
        run = run_called(client, experiment_of(client), name)
        if run is not None and run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
        file.unlink(missing_ok=True)


def send_end(client: Any, run_id: str, record: Record) -> None:
    """The run's end."""
    client.set_terminated(run_id, record["status"])


SENDERS = {
    "params": send_params,
    METRICS: send_metrics,
    "files": send_files,
    "register": send_model,
    "killed": send_killed,
    "inputs": send_inputs,
    "parent": send_parent,
    "description": send_description,
    "end": send_end,
}


@contextmanager
def calls_to_store() -> Iterator[None]:
    """Calls that nothing repeats: MLflow's errors become Unreachable."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise Unreachable(why(error)) from error


def run_link(run_id: str) -> str:
    """The address of a run's page; of a local database where `make ui` shows it. Raises Unreachable
    where the store does not tell."""
    with calls_to_store():
        experiment = connect().get_run(run_id).info.experiment_id
    uri = tracking_uri()
    server = uri.rstrip("/") if uri.startswith("http") else LOCAL_UI
    return f"{server}/#/experiments/{experiment}/runs/{run_id}"
