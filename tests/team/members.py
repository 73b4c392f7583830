"""Members of a team: their clones of a tiny pipeline, and what they type there."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from test_pipeline import PROJECT, SMALL, SMALL_RECIPE, edited

from deploy.settings import DVC_BUCKET, Team

LONGEST_WAIT = 300.0


class Member(NamedTuple):
    """A clone of the project, and the environment in which its owner works."""

    folder: Path
    environment: dict[str, str]

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A command in the clone; its output goes to a file there."""
        with (self.folder / "output.txt").open("a") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=output, stderr=output
            )

    def run(self, *command: str) -> str:
        """The output of a command that must go well."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that must come true."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < LONGEST_WAIT
        time.sleep(0.1)


def new_origin(folder: Path) -> Path:
    """The project's git repository, with a tiny pipeline of which nothing has run."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in filter(None, files):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    edited(folder / "params.yaml", SMALL)
    edited(folder / "data/synthetic/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 40 # "})
    edited(folder / "data/benchmark/recipe.yaml", {**SMALL_RECIPE, "count: ": "count: 5 # "})
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "a tiny pipeline")
    git(folder, "config", "receive.denyCurrentBranch", "updateInstead")
    return folder


def new_member(team: Team, origin: Path, folder: Path) -> Member:
    """A clone with the two settings of a member."""
    git(origin, "clone", "-q", str(origin), str(folder))
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TEAM_DATA")},
        **team.s3_keys,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "MLFLOW_TRACKING_URI": team.mlflow,
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "OMP_NUM_THREADS": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",  # a busy machine is no server that is away
    }
    member = Member(folder, environment)
    member.run("dvc", "remote", "add", "--local", "--default", "team", f"s3://{DVC_BUCKET}")
    member.run("dvc", "remote", "modify", "--local", "team", "endpointurl", team.s3)
    return member


def git(folder: Path, *arguments: str) -> None:
    """A git command that must go well."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    """All that has changed, as a commit."""
    git(folder, "add", "--all")
    who = ("-c", "user.name=member", "-c", "user.email=member@example.org")
    git(folder, *who, "commit", "-q", "--no-verify", "-m", message)


def free_ports(count: int) -> list[int]:
    """Free ports; SeaweedFS also takes those 10,000 above."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        first = 21_000
        for opened in sockets:
            while True:
                first += 7
                try:
                    opened.bind(("127.0.0.1", first))
                    break
                except OSError:
                    continue
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()
