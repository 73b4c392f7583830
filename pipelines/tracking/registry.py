"""Versions of the models in MLflow's registry. One of the landmark models is the champion."""

import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.tracking.logged_models import log_network, log_photo_model

REGISTERED, REGISTERED_DETECTOR = "fkd", "fkd-detector"
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous-champion"


@dataclass(frozen=True)
class Version:
    """A version of the model. description: the decisions about it, one a line, oldest first."""

    number: str
    run_id: str
    description: str


def log_version(client: Any, run_id: str, onnx_file: Path) -> Version:
    """Log a landmark model to a run, and register it as a new version that nothing is decided
    about."""
    return version(client, log_model(client, run_id, onnx_file, REGISTERED))


def log_model(client: Any, run_id: str, onnx_file: Path, registered: str) -> str:
    """Log a model to a run as a new version of a registered model; the version's number.

    A landmark model is registered as a model of photos, and its network logged beside it.
    """
    import mlflow

    status = client.get_run(run_id).info.status
    with mlflow.start_run(run_id=run_id):
        if registered == REGISTERED:
            network = log_network(onnx_file, "network")
            logged = log_photo_model(onnx_file, "model", registered)
        else:
            logged = network = log_network(onnx_file, "model", registered)
    client.set_terminated(run_id, status)  # the block above has ended the run
    number = str(logged.registered_model_version)
    client.set_model_version_tag(registered, number, "network", network.model_uri)
    return number


def version(client: Any, number: str) -> Version:
    """A version by its number. Raises MlflowException when there is none."""
    found = client.get_model_version(REGISTERED, number)
    return Version(str(found.version), found.run_id, found.description or "")


def latest_of_run(client: Any, run_id: str) -> Version | None:
    """The newest version that a run has registered."""
    found = client.search_model_versions(f"name = '{REGISTERED}' and run_id = '{run_id}'")
    numbers = [int(each.version) for each in found]
    return version(client, str(max(numbers))) if numbers else None


def of_alias(client: Any, alias: str) -> Version | None:
    """The version that has an alias now, CHAMPION say."""
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        return None
    number = client.get_registered_model(REGISTERED).aliases.get(alias)
    return version(client, str(number)) if number else None


def settle(client: Any, number: str, alias: str, why: str) -> None:
    """Give a version an alias, and write the reason into its description. A champion that another
    one follows stays at hand as PREVIOUS."""
    leading = of_alias(client, CHAMPION)
    if alias == CHAMPION and leading and leading.number != number:
        client.set_registered_model_alias(REGISTERED, PREVIOUS, leading.number)
    client.set_registered_model_alias(REGISTERED, alias, number)
    line = f"{datetime.date.today()} {alias}: {why}"
    before = version(client, number).description
    client.update_model_version(REGISTERED, number, f"{before}\n\n{line}".strip())


def download(client: Any, number: str) -> bytes:
    """The ONNX file of a version."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        uri = f"models:/{REGISTERED}/{number}"
        there = mlflow.artifacts.download_artifacts(uri, dst_path=folder)
        [file] = Path(there).rglob("model.onnx")
        return file.read_bytes()
