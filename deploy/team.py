"""The team's servers on one machine, without containers: `python -m deploy.team up`."""

import os
import subprocess
import sys
import urllib.request
from typing import Any

from deploy.postgres import database, postgres_runs, start_postgres, stop_postgres
from deploy.processes import running, start, stop, wait_for
from deploy.settings import (
    BUCKETS,
    DVC_BUCKET,
    MLFLOW_BUCKET,
    PROJECT,
    SECRETS_FILE,
    Team,
    load_team,
)

USAGE = "usage: python -m deploy.team up|down|status"
POSTGRES, SEAWEED, MLFLOW, SERVE = "postgresql", "seaweedfs", "mlflow", "fkd-serve"


def up(team: Team) -> None:
    """Start all that does not run, the stores before what needs them."""
    team.data.mkdir(parents=True, exist_ok=True)
    start_postgres(team)
    start_seaweed(team)
    start_mlflow(team)
    start_serve(team)
    print(member_lines(team))


def down(team: Team) -> None:
    """Stop all, what needs the stores before them. What they keep stays."""
    for name in (SERVE, MLFLOW, SEAWEED):
        stop(name, team.data)
    stop_postgres(team)


def status(team: Team) -> None:
    """Say which servers run."""
    runs = {name: running(name, team.data) for name in (SEAWEED, MLFLOW, SERVE)}
    for name, there in {POSTGRES: postgres_runs(team), **runs}.items():
        print(f"{name}: {'runs' if there else 'does not run'}")


def start_seaweed(team: Team) -> None:
    """The S3 store, which takes its keys from the environment, and its buckets."""
    folder = team.data / "seaweedfs"
    folder.mkdir(exist_ok=True)
    ports = team.ports
    command = [
        *("weed", "server", f"-dir={folder}", "-ip=127.0.0.1", "-filer", "-s3"),
        *(f"-s3.ip.bind={team.host}", f"-s3.port={ports['S3_PORT']}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-iam=false"),
        f"-master.port={ports['SEAWEED_MASTER_PORT']}",
        f"-volume.port={ports['SEAWEED_VOLUME_PORT']}",
        f"-filer.port={ports['SEAWEED_FILER_PORT']}",
        # Each bucket takes seven volumes at once, which are files that grow.
        *("-master.volumeSizeLimitMB=1024", "-volume.max=100", "-master.telemetry=false"),
    ]
    environment = _environment() | team.s3_keys
    start(SEAWEED, command, environment, folder, team.data, (team.host, ports["S3_PORT"]))
    client = s3_client(team)
    wait_for(SEAWEED, lambda: _has_buckets(client), team.data)


def start_mlflow(team: Team) -> None:
    """The MLflow server, through which artifacts go: members need no key of the store for it."""
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", team.host, "--port", str(team.ports["MLFLOW_PORT"])),
        *("--serve-artifacts", "--artifacts-destination", f"s3://{MLFLOW_BUCKET}"),
    ]
    environment, at = _environment() | mlflow_settings(team), (team.host, team.ports["MLFLOW_PORT"])
    start(MLFLOW, command, environment, team.data, team.data, at)
    wait_for(MLFLOW, lambda: _answers(f"{team.mlflow}/health"), team.data)


def mlflow_settings(team: Team) -> dict[str, str]:
    """What the MLflow server reads of its environment, and not of its command, which everybody on
    the machine may read."""
    return {
        **team.s3_keys,
        **database(team),
        "MLFLOW_S3_ENDPOINT_URL": team.s3,
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"localhost:*,127.0.0.1:*,{team.host}:*",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def start_serve(team: Team) -> None:
    """The web interface of the champion; a registry without one gets the packaged model first."""
    environment = _environment() | {"MLFLOW_TRACKING_URI": team.mlflow}
    first = [sys.executable, "-m", "pipelines.champion", "first"]
    if subprocess.run(first, cwd=PROJECT, env=environment, check=False).returncode:
        raise SystemExit("team: the registry has no champion")
    command = [
        *(sys.executable, "-m", "fkd", "serve", "--model", "models:/fkd@champion"),
        *("--host", team.host, "--port", str(team.ports["SERVE_PORT"])),
    ]
    at = team.host, team.ports["SERVE_PORT"]
    start(SERVE, command, environment, PROJECT, team.data, at)
    wait_for(SERVE, lambda: _answers(f"{team.serve}/healthz"), team.data)


def s3_client(team: Team) -> Any:
    """A client of the S3 store that does not try for long."""
    import boto3
    from botocore.config import Config

    key, secret = team.s3_keys.values()
    return boto3.client(
        "s3",
        endpoint_url=team.s3,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 0}),
    )


def member_lines(team: Team) -> str:
    """What a member types in a clone, once."""
    return "\n".join(
        [
            f"MLflow {team.mlflow}, S3 {team.s3}, the champion {team.serve}",
            "each member, in a clone:",
            f"  export MLFLOW_TRACKING_URI={team.mlflow}",
            f"  dvc remote add --local --default team s3://{DVC_BUCKET}",
            f"  dvc remote modify --local team endpointurl {team.s3}",
            "and for DVC AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment: those that"
            f" are set here, or else those of {team.data / SECRETS_FILE}",
        ]
    )


def _has_buckets(client: Any) -> bool:
    """Make the buckets that are missing; False while the store does not answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        for name in set(BUCKETS) - there:
            client.create_bucket(Bucket=name)
    except (BotoCoreError, ClientError):
        return False
    return True


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def _environment() -> dict[str, str]:
    """This environment, with the programs of this Python first, and nothing of a run in it."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    own = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_", "AWS_"))}
    return {**own, "PATH": path}


def main() -> None:
    commands = {"up": up, "down": down, "status": status}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit(USAGE)
    commands[sys.argv[1]](load_team())


if __name__ == "__main__":
    main()
