"""The Ray cluster that work runs on: the one of RAY_ADDRESS, else this machine alone."""

import logging
import os
import socket
from pathlib import Path
from typing import Any

import fkd
from fkd.io.extras import install_hint
from fkd.io.files import reason

SECONDS = 10.0  # in which the head of a cluster must answer; Ray itself waits for minutes


class ClusterError(ValueError):
    """Ray is missing, there is no cluster, or work on it failed; the message is one sentence."""


def connected() -> Any:
    """The module `ray`, connected. A cluster's nodes are sent this package. Raises ClusterError."""
    try:
        import ray
    except ImportError:
        raise ClusterError(f"Ray is not installed; {install_hint('cluster')}") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", "")
        check_address(address)
        shipped = {"py_modules": [str(Path(fkd.__file__).parent)]}
        try:
            ray.init(runtime_env=shipped, logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            why = str(error).strip().split("\n")[0]
            where = address or "this machine"
            raise ClusterError(f"{where}: no Ray cluster answers there ({why})") from None
    return ray


def check_address(address: str) -> None:
    """Raises ClusterError when nothing listens at an address with a port, such as 10.0.0.1:6379."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except (OSError, OverflowError) as error:
        why = reason(error) if isinstance(error, OSError) else "no such port"
        raise ClusterError(f"{address}: no Ray cluster answers there ({why})") from None
