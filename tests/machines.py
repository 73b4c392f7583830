"""Several machines on this one, for tests: network namespaces, nodes of Ray in them, and a store
that speaks as S3 does."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import PROJECT

NETWORK = "192.0.2"  # RFC 5737: of documentation
BUCKET = "photos"
# As docs/scale.md says: one for all, without which Ray lets nobody in.
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
PORT = 6379


class Machine(NamedTuple):
    """A network namespace with an address of its own. inside: what runs a command there."""

    address: str
    inside: tuple[str, ...]


HERE = Machine("127.0.0.1", ())


def environment(**more: str) -> dict[str, str]:
    """Of a command: this project's code, one thread, nothing of another Ray, DVC or MLflow."""
    others = ("RAY_", "DVC_", "MLFLOW_")
    there = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    return {**there, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", **more}


@contextlib.contextmanager
def two_machines() -> Iterator[list[Machine]]:
    """Two network namespaces that reach each other and nothing else."""
    if not shutil.which("ip") or os.geteuid():
        pytest.skip("needs root and iproute2")
    names = [f"fkd{os.getpid()}-{i}" for i in range(2)]

    def ip(*words: object) -> None:
        subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)

    with contextlib.ExitStack() as stack:
        for name in names:
            try:
                ip("netns", "add", name)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode()}")
            stack.callback(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
        # Both ends lie in namespaces, so that nothing of the machine's own is touched.
        ip("-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
           "netns", names[1])  # fmt: skip
        found = []
        for number, name in enumerate(names, 1):
            address = f"{NETWORK}.{number}"
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
            found.append(Machine(address, ("ip", "netns", "exec", name)))
        yield found


@contextlib.contextmanager
def ray_nodes(machines: Sequence[Machine], folder: Path, **more: str) -> Iterator[str]:
    """A node of Ray with one core on each machine; yields their cluster's address.

    folder: of their logs. more: of their environment.
    """
    head = machines[0]
    address = f"{head.address}:{PORT}"
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus=1", "--block"]
    nodes = []
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has 107 bytes
        first = ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={short}"]
        try:
            for machine in machines:
                words = [*machine.inside, *start, f"--node-ip-address={machine.address}"]
                words += first if machine is head else [f"--address={address}"]
                log = folder / f"node{len(nodes)}.log"
                nodes.append(_started(words, log, environment(**TOKEN, **more)))
            yield address
        finally:
            for machine in machines:
                lose(machine)
            for node in nodes:
                node.wait()


def lose(machine: Machine) -> None:
    """Kill every process of a machine, as when it loses power."""
    for pid in processes(machine):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes(machine: Machine) -> list[int]:
    """The numbers of all processes of a machine."""
    name = machine.inside[-1]
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
    return [int(pid) for pid in listed.stdout.split()]


def _started(words: list[str], log: Path, of: dict[str, str]) -> subprocess.Popen:
    """A node that runs. One that does not come up within 30 seconds, as on a busy machine, ends
    itself, and is started again."""
    for _ in range(5):
        with log.open("w") as file:
            node = subprocess.Popen(words, env=of, stdout=file, stderr=file)
        while node.poll() is None:
            if "Ray runtime started" in log.read_text():
                return node
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def s3_store(folder: Path, on: Machine = HERE) -> Iterator[dict[str, str]]:
    """The environment in which `s3://photos` is a bucket of SeaweedFS, which runs on a machine and
    keeps it in a folder."""
    weed = shutil.which("weed") or Path(sys.executable).parent / "weed"
    if not Path(weed).is_file():
        pytest.skip("needs SeaweedFS: `make test-cluster`")
    keys = {"accessKey": "fkd", "secretKey": "secret"}
    identity = {"name": "fkd", "credentials": [keys], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: _free_port() for name in ("master", "volume", "filer", "s3")}
    arguments = [f"-{name}.port={port}" for name, port in ports.items()]
    arguments += [f"-{name}.port.grpc={_free_port()}" for name in ports]
    arguments += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-iam=false", "-volume.max=10"]
    arguments += [f"-s3.config={folder}/s3.json", "-master.telemetry=false"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*on.inside, weed, "server", f"-ip={on.address}", f"-dir={folder}", "-filer", "-s3",
             *arguments], stdout=log, stderr=log,
        )  # fmt: skip
    there = {
        "AWS_ENDPOINT_URL": f"http://{on.address}:{ports['s3']}",
        "AWS_ACCESS_KEY_ID": keys["accessKey"],
        "AWS_SECRET_ACCESS_KEY": keys["secretKey"],
    }
    try:
        _make_bucket(there, on)
        yield there
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _make_bucket(there: dict[str, str], on: Machine) -> None:
    code = (
        "from pyarrow import fs;"
        f"root = fs.FileSystem.from_uri('s3://{BUCKET}?allow_bucket_creation=true')[0];"
        f"root.create_dir('{BUCKET}');"
        f"fs.FileSystem.from_uri('s3://{BUCKET}')[0].open_output_stream('{BUCKET}/x').close()"
    )
    deadline = time.monotonic() + 120
    while subprocess.run(
        [*on.inside, sys.executable, "-c", code], env=environment(**there), capture_output=True
    ).returncode:
        assert time.monotonic() < deadline, "SeaweedFS does not start"
        time.sleep(2)
