"""Finding and opening runs in the tracking store."""

import os
from typing import Any

from pipelines.tracking.outbox import Record, project, say

EXPERIMENT = "fkd"
DESCRIPTION = "mlflow.note.content"  # of a run, Markdown at the top of its page
DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
# MLflow's codes for what may go well another time.
MAY_PASS = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "RESOURCE_EXHAUSTED")


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or a database file in the project's main folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project() / DATABASE}"


def open_run(client: Any, record: Record) -> str:
    """The id of the run that a record opens: an earlier one to go on with, or a new one."""
    experiment, resume, tags = experiment_of(client), record["resume"], record["tags"]
    if not resume:
        return _tagged(client, experiment, {"key": tags["key"]}) or _create(
            client, experiment, record
        )
    known = run_called(client, experiment, resume)
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


def run_called(client: Any, experiment: str, name: str) -> Any:
    """The run of an id, or of the key that it had before; None where there is none."""
    from mlflow.exceptions import MlflowException

    run_id = _tagged(client, experiment, {"key": name}) or name
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if may_pass(error):
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
    """The id of a new run for a model that no stage here has made, as its page says."""
    told = (
        f"### What this is\nThe {name} model, which comes with the code and was not trained "
        "here: the first champion, to be loaded and to be compared with. `fkd info` says where it "
        "comes from."
    )
    record = {"name": name, "tags": {DESCRIPTION: told}}
    run_id = _create(client, experiment_of(client), record)
    client.set_terminated(run_id, "FINISHED")
    return run_id


def experiment_of(client: Any) -> str:
    """The id of the project's experiment. A new one beside a local database keeps its artifacts in
    a folder of their own."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(EXPERIMENT)
    if known is None:
        local = tracking_uri().startswith("sqlite:")
        location = (project() / ARTIFACTS).as_uri() if local else None
        try:
            return str(client.create_experiment(EXPERIMENT, artifact_location=location))
        except MlflowException:  # somebody else's first run may have made it meanwhile
            known = client.get_experiment_by_name(EXPERIMENT)
            if known is None:
                raise
    return str(known.experiment_id)


def may_pass(error: Exception) -> bool:
    """Whether the same call may go well another time."""
    return isinstance(error, OSError) or getattr(error, "error_code", "") in MAY_PASS
