"""The README's map, commands, files and parameters are true today."""

import hashlib
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from conftest import PROJECT

from fkd.cli import app
from fkd.io.config import flatten, read_yaml

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```\w*\n(.*?)```", README, flags=re.DOTALL)
LINES = [
    line.split("  #")[0].strip().lstrip("$ ") for block in BLOCKS for line in block.splitlines()
]


def commands(program: str) -> list[list[str]]:
    return [shlex.split(line) for line in LINES if line.startswith(f"{program} ")]


def mapped() -> list[str]:
    """Paths that the map of the README names."""
    (block,) = [b for b in BLOCKS if b.startswith("fkd/\n")]
    paths, folder = [], ""
    for line in block.splitlines():
        if line.startswith("  "):
            paths.append(folder + line.split()[0])
        elif line.startswith("dvc.yaml"):
            paths += line.split()
        else:
            paths.append(line.split()[0])
            folder = paths[-1]
    return paths


def test_everything_in_the_map_is_there():
    assert not [path for path in mapped() if not (PROJECT / path).exists()]


def test_everything_of_the_library_is_in_the_map():
    there = {
        f"fkd/{p.name}{'/' if p.is_dir() else ''}"
        for p in (PROJECT / "fkd").iterdir()
        if p.name not in ("__pycache__", "__init__.py", "__main__.py", "py.typed")
    }
    assert there <= set(mapped())


def test_pictures_and_links_into_the_repository_are_there():
    targets = re.findall(r"\]\((?!http|\.\./)([^)#]+)\)", README)
    assert targets and not [t for t in targets if not (PROJECT / t).exists()]


def test_every_fkd_command_parses():
    shown = commands("fkd")
    assert len(shown) >= 2
    root = typer.main.get_command(app)
    for words in shown:
        if words[1].startswith("--"):
            continue
        command = root.commands[words[1]]
        command.make_context(words[1], words[2:])  # raises on an unknown option


def test_every_make_target_is_there():
    makefile = (PROJECT / "Makefile").read_text()
    targets = {words[1] for words in commands("make")}
    assert {"repro", "ui"} <= targets
    assert not [t for t in targets if not re.search(rf"^{t}:", makefile, flags=re.MULTILINE)]


def test_every_parameter_that_a_command_sets_is_there():
    params = flatten(read_yaml(PROJECT / "params.yaml"))
    recipe = flatten(read_yaml(PROJECT / "data/synthetic/recipe.yaml"))
    settings = [
        words[i + 1] for words in commands("dvc") for i, word in enumerate(words) if word == "-S"
    ]
    assert settings
    for setting in settings:
        key = setting.split("=")[0]
        file, _, name = key.rpartition(":")
        known = recipe if file == "data/synthetic/recipe.yaml" else params
        assert name in known or any(k.startswith(f"{name}.") for k in known), setting


def test_versions_agree():
    project = (PROJECT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', project, flags=re.MULTILINE).group(1)
    assert f"## {version}" in (PROJECT / "CHANGELOG.md").read_text()


def test_the_pins_satisfy_the_ranges():
    from importlib.metadata import requires

    packaging = pytest.importorskip("packaging.requirements")
    pins = dict(
        line.split("==")
        for line in (PROJECT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    known = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    for text in requires("fkd"):
        wanted = packaging.Requirement(text)
        name = wanted.name.lower().replace("_", "-")
        assert name in known, f"{name} is not pinned"
        assert wanted.specifier.contains(known[name]), f"{text}: pinned {known[name]}"


def test_the_numbers_of_the_table_are_those_of_the_bench():
    """`make bench` writes them; one core, the error over the faces that every program finds."""
    bench = json.loads((PROJECT / "reports/bench/bench.json").read_text())
    rows = {line.split("`")[1]: line for line in README.splitlines() if line.startswith("| `")}
    assert set(rows) == {"base", "nano", "research"}
    for name, row in rows.items():
        cells = [cell.strip() for cell in row.split("|")]
        assert f"{bench['start'][name]['file']:.1f} MB" == cells[2]
        assert f"{bench['milliseconds'][name]['1']['points']:.2f}" == cells[3]
        assert f"{bench['accuracy'][name]['300w']['nme']:.2f} %" == cells[4]


def test_the_readme_stays_a_readme():
    assert len(README.splitlines()) <= 150


def test_the_lock_is_that_of_the_parameters_and_of_the_code():
    """dvc.lock records what the last `dvc repro` saw: parameters, and every dependency that lies in
    the repository, by its hash."""
    lock = yaml.safe_load((PROJECT / "dvc.lock").read_text())
    params = flatten(read_yaml(PROJECT / "params.yaml"))
    for name, stage in lock["stages"].items():
        for key, value in flatten(stage["params"]["params.yaml"]).items():
            assert value == params[key], key
        for dependency in stage["deps"]:
            path = PROJECT / dependency["path"]
            if path.is_file() and path.suffix in (".py", ".yaml"):
                digest = hashlib.md5(path.read_bytes()).hexdigest()
                assert digest == dependency["md5"], f"{name}: {path} changed since `dvc repro`"


def test_no_path_of_a_machine_is_in_the_repository():
    for path in [*PROJECT.glob("*.*"), *(PROJECT / "fkd").rglob("*.py")]:
        if path.is_file() and path.suffix in (".py", ".md", ".yaml", ".toml", ".txt"):
            assert "/home/" not in Path(path).read_text() and "/root/" not in path.read_text(), path
