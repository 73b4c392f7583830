"""Models of a team's registry, such as `models:/fkd@champion`. The one place of the library that
imports MLflow, which comes with the extra `train`. Nothing of a version is run but its network."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fkd.io.files import reason, whole_file
from fkd.models.metadata import ModelError

SCHEME = "models:/"
ADDRESS = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")
TRACKING_URI, DATABASE = "MLFLOW_TRACKING_URI", "mlflow.db"
# The network among the files of a version.
NETWORK = "model.onnx"
# MLflow's own patience would be minutes for each call.
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def is_registered(model: str | Path | None) -> bool:
    """Whether a model is named as one of a registry."""
    return str(model).startswith(SCHEME)


def registered_name(model: str) -> str:
    """The name of the registered model: "fkd" of "models:/fkd@champion"."""
    return model.removeprefix(SCHEME).partition("@")[0].partition("/")[0]


def exact_version(model: str) -> str:
    """What a name in the registry means now, by its number: "models:/fkd/3" for
    "models:/fkd@champion". Raises ModelError."""
    with _registry(model) as client:
        found = _version(client, model)
        return f"{SCHEME}{found.name}/{found.version}"


def fetch(model: str) -> Path:
    """The network's file of a version, from the cache of the user where it was fetched before.
    Raises ModelError."""
    with _registry(model) as client:
        found = _version(client, model)
        # The number alone may be another version's, in another store or after a new start.
        key = hashlib.sha256(f"{found.source} {found.run_id}".encode()).hexdigest()[:16]
        cached = _cache() / key / f"{found.name}-{found.version}.onnx"
        if not cached.is_file():
            address = client.get_model_version_download_uri(found.name, found.version)
            with whole_file(cached) as partial:
                _download(address, partial, model)
        return cached


def use_store() -> Any:
    """A client of the store that MLFLOW_TRACKING_URI names, else of the database of the project in
    the current folder. Raises ModelError where there is neither, or where it names none."""
    for name, value in {**QUIET, **PATIENCE}.items():
        os.environ.setdefault(name, value)
    address = os.environ.get(TRACKING_URI)
    if not address and not Path(DATABASE).is_file():
        raise ModelError(f"{TRACKING_URI} is not set, and there is no {DATABASE} here")
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(address or f"sqlite:///{Path(DATABASE).resolve()}")
    try:
        return mlflow.MlflowClient()
    except MlflowException as error:
        raise ModelError(f"{TRACKING_URI}: {why(error)}") from None


def why(error: BaseException) -> str:
    """Why MLflow failed: the system's own word where it is the cause ("connection refused")."""
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for cause in reversed(causes):
        if isinstance(cause, OSError):
            return reason(cause)
    return str(error).strip().split("\n")[0]


@contextmanager
def _registry(model: str) -> Iterator[Any]:
    """A client; what goes wrong is one sentence about the model."""
    if not ADDRESS.fullmatch(model):
        raise ModelError(f"{model}: models:/NAME@ALIAS or models:/NAME/NUMBER is expected")
    try:
        client = use_store()
    except ModuleNotFoundError as error:
        from fkd.io.extras import install_hint  # takes 40 ms

        raise ModelError(
            f"{model}: {error.name} is not installed; {install_hint('train')}"
        ) from None
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from None
    from mlflow.exceptions import MlflowException

    try:
        yield client
    except (MlflowException, OSError) as error:
        raise ModelError(f"{model}: {why(error)}") from None


def _version(client: Any, model: str) -> Any:
    """The version that a name means. Raises MlflowException."""
    parts = ADDRESS.fullmatch(model)
    assert parts
    if alias := parts["alias"]:
        return client.get_model_version_by_alias(parts["name"], alias)
    return client.get_model_version(parts["name"], parts["version"])


def _download(address: str, to: Path, model: str) -> None:
    """The network of a version, which lies among its files or in a folder of them."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    places = [address, f"{address}/artifacts"]
    for place in places:
        files = [file.path for file in list_artifacts(artifact_uri=place)]
        if any(Path(path).name == NETWORK for path in files):
            with tempfile.TemporaryDirectory() as folder:
                there = download_artifacts(artifact_uri=f"{place}/{NETWORK}", dst_path=folder)
                shutil.copyfile(there, to)
            return
    raise ModelError(f"{model}: has no {NETWORK} among its files")


def _cache() -> Path:
    """Where fetched networks are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fkd" / "registry"
