"""PostgreSQL from Debian's packages, as a cluster of its own in the data folder."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from deploy.settings import Team

USER, DATABASE = "mlflow", "mlflow"
# PostgreSQL refuses to run as root; its packages make this user.
UNPRIVILEGED = "postgres"


def start_postgres(team: Team) -> None:
    """Make the cluster where there is none, and start it, unless it runs. Raises SystemExit."""
    folder = team.data / "postgres"
    if not (folder / "PG_VERSION").is_file():
        _make(folder, team.secrets["POSTGRES_PASSWORD"])
    if postgres_runs(team):
        return
    options = f"-p {team.ports['POSTGRES_PORT']} -c listen_addresses=127.0.0.1 -k {folder}"
    log = folder / "log"
    done = _tool("pg_ctl", "start", "-w", "-D", str(folder), "-l", str(log), "-o", options)
    if done.returncode:
        raise SystemExit(f"team: PostgreSQL did not start; {log} says why")


def postgres_runs(team: Team) -> bool:
    """Whether the cluster is started."""
    folder = team.data / "postgres"
    return folder.is_dir() and _tool("pg_ctl", "status", "-D", str(folder)).returncode == 0


def stop_postgres(team: Team) -> None:
    """Stop the cluster, unless it is stopped."""
    folder = team.data / "postgres"
    if folder.is_dir():
        _tool("pg_ctl", "stop", "-D", str(folder), "-m", "fast")


def database(team: Team) -> dict[str, str]:
    """The environment in which MLflow finds the database. The password is apart, where no character
    of it has another meaning, and in no address that is logged."""
    address = f"127.0.0.1:{team.ports['POSTGRES_PORT']}"
    return {
        "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg2://{USER}@{address}/{DATABASE}",
        "PGPASSWORD": team.secrets["POSTGRES_PASSWORD"],
    }


def _make(folder: Path, password: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if user := _user():
        os.chown(folder, user.pw_uid, user.pw_gid)
    secret = folder.parent / ".password"  # initdb wants an empty folder
    secret.touch(0o600)
    try:
        secret.write_text(password)
        if user:
            os.chown(secret, user.pw_uid, user.pw_gid)
        made = _tool(
            *("initdb", "-D", str(folder), "-U", USER, f"--pwfile={secret}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
        )
    finally:
        secret.unlink()
    if made.returncode:
        raise SystemExit(f"team: {folder}: initdb failed ({made.stderr.strip()[-300:]})")
    single = ["postgres", "--single", "-D", str(folder), "postgres"]
    _tool(*single, input=f"CREATE DATABASE {DATABASE};\n")


def _user() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL, where that is not who runs this."""
    return pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None


def _tool(name: str, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs, which Debian keeps out of the way."""
    path = os.pathsep.join([os.environ["PATH"], *_folders()])
    program = shutil.which(name, path=path)
    if program is None:
        raise SystemExit(f"team: {name} is not installed; apt-get install postgresql")
    # pg_ctl leaves a server behind that holds its output open, so that goes to files of its own.
    user = _user()
    output = subprocess.DEVNULL if arguments[:1] == ("start",) else subprocess.PIPE
    return subprocess.run(
        [program, *arguments],
        user=user and user.pw_uid,
        group=user and user.pw_gid,
        extra_groups=[] if user else None,
        cwd="/",
        input=input,
        stdout=output,
        stderr=output,
        text=True,
        check=False,
    )


def _folders() -> list[str]:
    """Debian's folders of PostgreSQL's programs, the newest first."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return [str(path) for path in sorted(found, key=lambda path: int(path.parent.name))[::-1]]
