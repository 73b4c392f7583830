"""The Ray cluster that work runs on: the one of an address or of RAY_ADDRESS, else this machine
alone."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        _check_answers(address)
        if address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell Ray's makers
        logging.getLogger("ray").setLevel(logging.CRITICAL)  # what goes wrong is raised
        shipped = {"py_modules": [str(Path(fkd.__file__).parent)]}
        try:
            with _silent_standard_error():
                ray.init(
                    address,
                    runtime_env=shipped,
                    logging_level=logging.CRITICAL,
                    log_to_driver=False,
                )
        except Exception as error:  # what a node raises that does not come up in 30 seconds
            why = str(error).strip().split("\n")[0]
            what = (
                "Ray does not start here" if address == "local" else "no Ray cluster answers there"
            )
            raise ClusterError(f"{address}: {what} ({why})") from None
    return ray


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """A block in which nothing is written to standard error, not by C++ either: of what Ray is to
    log it says there that it has read RAY_BACKEND_LOG_LEVEL. What goes wrong is raised."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_answers(address: str) -> None:
    """Ask whether a server of Ray's kind, gRPC, is at an address, as Ray itself would try for
    minutes and then end the process. Raises ClusterError."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        raise ClusterError(f"{address}: is neither auto nor HOST:PORT")
    try:
        place = (host.strip("[]"), int(port))
        with socket.create_connection(place, ANSWER_SECONDS) as connection:
            connection.sendall(HTTP2_START)
            answer = connection.recv(9)
    except (OSError, OverflowError, UnicodeError) as error:
        why = str(getattr(error, "strerror", None) or error).lower()
        raise ClusterError(f"{address}: no Ray cluster answers there ({why})") from None
    if answer[3:4] != HTTP2_SETTINGS:
        raise ClusterError(f"{address}: no Ray cluster answers there, but something else")
