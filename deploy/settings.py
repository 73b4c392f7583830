"""Ports, folder and secrets of the team's servers."""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PORTS = Path(__file__).with_name("ports.env")
DATA_VARIABLE, DATA = "TEAM_DATA", PROJECT / "team"
SECRETS_FILE = "secrets.env"
SECRETS = ("POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
BUCKETS = MLFLOW_BUCKET, DVC_BUCKET = ("mlflow", "dvc")


@dataclass(frozen=True)
class Team:
    """data: the folder of everything that the servers keep. ports, secrets: by the names of
    ports.env and SECRETS. host: address that they listen on, and are found at."""

    data: Path
    host: str
    ports: dict[str, int]
    secrets: dict[str, str]

    @property
    def mlflow(self) -> str:
        """Address of the MLflow server."""
        return f"http://{self.host}:{self.ports['MLFLOW_PORT']}"

    @property
    def s3(self) -> str:
        """Address of the S3 store."""
        return f"http://{self.host}:{self.ports['S3_PORT']}"

    @property
    def serve(self) -> str:
        """Address of `fkd serve`."""
        return f"http://{self.host}:{self.ports['SERVE_PORT']}"

    @property
    def s3_keys(self) -> dict[str, str]:
        """The environment of what reads and writes the buckets."""
        return {name: self.secrets[name] for name in SECRETS if name.startswith("AWS_")}


def load_team() -> Team:
    """The settings. Secrets come from the environment; those that are not there are made up once,
    and kept in the data folder for its owner alone. Raises SystemExit for a port or a host that is
    none."""
    known = {**read_env(PORTS), **os.environ}
    host = _host(known["TEAM_HOST"])
    ports = {name: _port(name, known[name]) for name in read_env(PORTS) if name.endswith("_PORT")}
    data = Path(os.environ.get(DATA_VARIABLE) or DATA).resolve()
    file = data / SECRETS_FILE
    kept = read_env(file) if file.exists() else {}
    made = {name: kept.get(name) or secrets.token_hex(20) for name in SECRETS}
    if made != kept and not set(SECRETS) <= set(os.environ):
        data.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    own = {name: os.environ.get(name) or made[name] for name in SECRETS}
    return Team(data, host, ports, own)


def _host(value: str) -> str:
    try:
        socket.getaddrinfo(value, None)
        known = value not in ("", "0.0.0.0")
    except OSError:
        known = False
    if not known:
        raise SystemExit(
            f"team: TEAM_HOST: {value!r} is not a name or an address at which members reach this "
            "machine"
        )
    return value


def _port(name: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise SystemExit(f"team: {name}: {value!r} is not a port from 1 to 65535")
    return int(value)


def read_env(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a file."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
