"""The Ray cluster that work runs on: the one of RAY_ADDRESS, else this machine alone."""

import logging
import os
from pathlib import Path
from typing import Any

import fkd
from fkd.io.extras import install_hint


class ClusterError(ValueError):
    """Ray is missing, there is no cluster, or work on it failed; the message is one sentence."""


def connected() -> Any:
    """The module `ray`, connected. A cluster's nodes are sent this package. Raises ClusterError."""
    try:
        import ray
    except ImportError:
        raise ClusterError(f"Ray is not installed; {install_hint('cluster')}") from None
    if not ray.is_initialized():
        shipped = {"py_modules": [str(Path(fkd.__file__).parent)]}
        try:
            ray.init(runtime_env=shipped, logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            address = os.environ.get("RAY_ADDRESS", "this machine")
            why = str(error).strip().split("\n")[0]
            raise ClusterError(f"{address}: no Ray cluster answers there ({why})") from None
    return ray
