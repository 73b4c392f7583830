"""The Ray cluster that work runs on: the one of an address or of RAY_ADDRESS, else this machine
alone."""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import fkd
from fkd.io.extras import install_hint

ANSWER_SECONDS = 5.0
# How a client of gRPC begins (RFC 9113, 3.4), and the fourth byte of each server's answer.
HTTP2_START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
HTTP2_SETTINGS = b"\x04"


class ClusterError(ValueError):
    """Ray is missing, there is no cluster, or work on it failed; the message is one sentence."""


def connected(address: str | None = None) -> Any:
    """The module `ray`, connected. A cluster's nodes are sent this package.

    address: "auto" for the cluster that this machine is part of, HOST:PORT, or ray://HOST:PORT; by
    default what RAY_ADDRESS says, else a Ray that is started for this process. Raises ClusterError.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # read when ray is imported
    try:
        import ray
    except ImportError:
        raise ClusterError(f"Ray is not installed; {install_hint('cluster')}") from None
    if not ray.is_initialized():
        # Of itself Ray would join whatever cluster was last started on this machine.
        address = address or os.environ.get("RAY_ADDRESS") or "local"
        logging.getLogger("ray").setLevel(logging.CRITICAL)  # what goes wrong is raised
        if address != "local":
            _check_answers(address)
        else:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell Ray's makers
        shipped = {"py_modules": [str(Path(fkd.__file__).parent)]}
        with tempfile.TemporaryFile() as words:
            try:
                with _standard_error_in(words):
                    ray.init(
                        address,
                        runtime_env=shipped,
                        logging_level=logging.CRITICAL,
                        log_to_driver=False,
                    )
            except Exception as error:  # what a node raises that does not come up in 30 seconds
                words.seek(0)
                raise ClusterError(_why(address, str(error), words.read())) from None
    return ray


def check_nodes(ray: Any, module: str) -> None:
    """Import a module of this package on each node. Raises ClusterError that names one that lacks a
    package which the module needs."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(_lacking)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    on = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=True) for node in nodes]
    asked = [task.options(num_cpus=0, scheduling_strategy=there).remote(module) for there in on]
    if lacking := next(filter(None, ray.get(asked)), None):
        raise ClusterError(f"{lacking}; all nodes need what this machine has")


def _lacking(module: str) -> str:
    """What this node lacks, empty where nothing."""
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        return f"node {socket.gethostname()}: {error.name} is not installed"
    return ""


@contextmanager
def _standard_error_in(file: IO[bytes]) -> Iterator[None]:
    """What libraries that are not Python's write on standard error goes to a file instead."""
    if not sys.stderr:  # it can be closed
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _why(address: str, error: str, words: bytes) -> str:
    """The sentence for what `ray.init` raised, and wrote before."""
    if b"InvalidAuthToken" in words:
        return f"{address}: the Ray cluster there has another RAY_AUTH_TOKEN than is set here"
    what = "Ray does not start here" if address == "local" else "no Ray cluster answers there"
    first, *_ = error.strip().split("\n")
    return f"{address}: {what} ({first})"


def _noted() -> str:
    """HOST:PORT of the cluster that this machine is part of. Raises ClusterError."""
    from ray._private.services import canonicalize_bootstrap_address

    try:
        return str(canonicalize_bootstrap_address("auto"))
    except ConnectionError:
        raise ClusterError("auto: this machine is part of no Ray cluster") from None


def _check_answers(address: str) -> None:
    """Ask whether a server of Ray's kind, gRPC, is at an address, as Ray itself would try for
    minutes and then end the process. Raises ClusterError."""
    place = _noted() if address == "auto" else address
    host, _, port = place.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        raise ClusterError(f"{address}: is neither auto nor HOST:PORT")
    try:
        server = (host.strip("[]"), int(port))
        with socket.create_connection(server, ANSWER_SECONDS) as connection:
            connection.sendall(HTTP2_START)
            answer = connection.recv(9)
    except (OSError, OverflowError, UnicodeError) as error:
        why = str(getattr(error, "strerror", None) or error).lower()
        raise ClusterError(f"{address}: no Ray cluster answers there ({why})") from None
    if answer[3:4] != HTTP2_SETTINGS:
        raise ClusterError(f"{address}: no Ray cluster answers there, but something else")
