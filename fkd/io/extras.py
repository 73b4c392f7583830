"""What to type to install an extra, from where the user is."""

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

PROJECT = Path(__file__).parents[2]


def install_hint(extra: str) -> str:
    """How the extra is installed beside this installation of the project: "pip install ..."."""
    if (PROJECT / "pyproject.toml").is_file():
        return f"pip install -e {shlex.quote(_path(PROJECT) + f'[{extra}]')}"
    return f"pip install {shlex.quote(_requirement(_origin(), extra))}"


def _origin() -> dict[str, Any]:
    """What pip noted about where it took the project from (PEP 610); empty for a registry."""
    try:
        noted = distribution("fkd").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    return dict(json.loads(noted or "{}"))


def _requirement(origin: dict[str, Any], extra: str) -> str:
    """The project with an extra, as pip takes it from where it was taken before."""
    url = origin.get("url", "")
    if "vcs_info" in origin:
        return f"fkd[{extra}] @ {origin['vcs_info']['vcs']}+{url}"
    if url.startswith("file:"):
        return f"{_path(Path(url2pathname(urlsplit(url).path)))}[{extra}]"
    return f"fkd[{extra}] @ {url}" if url else f"fkd[{extra}]"


def _path(path: Path) -> str:
    """A path as pip tells it from a name, and no longer than it need be."""
    here = Path.cwd()
    if path == here:
        return "."
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
