"""What the commands tell to type where an extra is missing."""

import json
import shlex
from pathlib import Path

import pytest
from conftest import PROJECT
from packaging.requirements import Requirement

from fkd.io import extras
from fkd.io.extras import install_hint


class Distribution:
    """An installed package with what pip noted about its origin, None for a registry."""

    def __init__(self, origin: dict[str, object] | None) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretends that the project lies in site-packages, installed from an origin."""

    def install(origin: dict[str, object] | None) -> None:
        monkeypatch.setattr(extras, "PROJECT", tmp_path / "site-packages")
        monkeypatch.setattr(extras, "distribution", lambda name: Distribution(origin))

    return install


def arguments(hint: str) -> list[str]:
    """What a shell hands to pip."""
    pip, install, *rest = shlex.split(hint)
    assert (pip, install) == ("pip", "install")
    return rest


def test_in_a_clone_it_is_the_clone(monkeypatch, tmp_path):
    monkeypatch.chdir(PROJECT)
    assert install_hint("train") == "pip install -e '.[train]'"
    monkeypatch.chdir(PROJECT / "docs")
    assert arguments(install_hint("train")) == ["-e", f"{PROJECT}[train]"]
    monkeypatch.chdir(PROJECT.parent)  # a bare name would be one of the registry
    assert arguments(install_hint("train")) == ["-e", f"./{PROJECT.name}[train]"]


def test_of_a_wheel_it_is_the_wheels_file(installed, monkeypatch, tmp_path):
    wheel = tmp_path / "my files" / "fkd-0.1.0-py3-none-any.whl"
    installed({"url": wheel.as_uri(), "archive_info": {}})
    assert arguments(install_hint("serve")) == [f"{wheel}[serve]"]
    monkeypatch.chdir(tmp_path)
    assert arguments(install_hint("serve")) == [f"./my files/{wheel.name}[serve]"]


def test_of_a_folder_it_is_the_folder(installed, tmp_path, monkeypatch):
    installed({"url": tmp_path.as_uri(), "dir_info": {}})
    monkeypatch.chdir(tmp_path)
    assert install_hint("video") == "pip install '.[video]'"


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        (
            {"url": "https://example.org/fkd.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "git+https://example.org/fkd.git",
        ),
        (
            {"url": "https://example.org/fkd-0.1.0-py3-none-any.whl", "archive_info": {}},
            "https://example.org/fkd-0.1.0-py3-none-any.whl",
        ),
        (None, None),
    ],
)
def test_of_an_address_it_is_the_address_and_of_a_registry_the_name(installed, origin, url):
    installed(origin)
    (argument,) = arguments(install_hint("formats"))
    requirement = Requirement(argument)
    assert (requirement.name, requirement.extras, requirement.url) == ("fkd", {"formats"}, url)


def test_every_extra_that_is_told_exists():
    told = {
        line.split("install_hint(")[1].split(")")[0].strip("\"'")
        for path in Path(PROJECT / "fkd").rglob("*.py")
        for line in path.read_text().splitlines()
        if "{install_hint(" in line
    }
    known = (PROJECT / "pyproject.toml").read_text()
    assert "train" in told and all(f"\n{extra} = [" in known for extra in told)
    assert not any("'fkd[" in p.read_text() for p in Path(PROJECT / "fkd/cli").rglob("*.py"))
