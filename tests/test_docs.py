"""The documentation's commands, keys, links and pages are true today. MkDocs is not needed."""

import csv
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
import yaml
from conftest import PROJECT

from fkd.cli import app
from fkd.io.config import flatten, read_yaml
from fkd.landmarks import COUNT, GROUPS
from fkd.models.session import open_onnx
from fkd.models.zoo import PACKAGED

sys.path.insert(0, str(PROJECT))

from tools.docs_configuration import SECTIONS, configuration_page
from tools.docs_landmarks import FILE, PARTS, landmarks_svg

DOCS = PROJECT / "docs"
RECIPE = "data/synthetic/recipe.yaml"
# A key each, whatever is in it.
MAPPINGS = ("train.oversampling", "train.label_offset_px")
PAGES = sorted(DOCS.rglob("*.md"))
SOURCES = [*PAGES, PROJECT / "CONTRIBUTING.md"]
ROOT_OPTIONS = ("--version", "--help", "--install-completion")
SHELLS = ("console", "bash", "sh")
# Folders that a reader makes; the commands and texts name what will be in them.
MADE = (
    "data/real",
    "data/mine",
    "data/all",
    "fkd/server/device/",
    "data/camera",
    "data/free",
    "data/prepared",
    "data/backgrounds",
    "data/scenes",
    "models/",
    "reports/",
    "overlays/",
)


def named(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(PROJECT)) for page in pages]


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def typed_commands(text: str) -> Iterator[list[str]]:
    """What a page tells the reader to type: lines after "$ "."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        if lines:
            assert language in SHELLS, lines
        for line in lines:
            for part in line.split("&&"):
                yield shlex.split(part, comments=True)


def named_commands(text: str) -> Iterator[list[str]]:
    """Commands within a page's sentences; some leave out what they need, as `fkd score`."""
    for inline in re.findall(r"`((?:fkd|make|dvc|python -m) [^`]+)`", without_blocks(text)):
        yield shlex.split(inline)


def commands(program: str, kinds: tuple = (typed_commands, named_commands)) -> list[list[str]]:
    found = [words for page in SOURCES for kind in kinds for words in kind(page.read_text())]
    return [words for words in found if words and words[0] == program]


@pytest.mark.parametrize("kind", [typed_commands, named_commands])
def test_every_fkd_command_parses(kind):
    root = typer.main.get_command(app)
    shown = [words for words in commands("fkd", (kind,)) if words[-1] not in ROOT_OPTIONS]
    assert shown
    for words in shown:
        # Raises on an unknown option, and for what is typed also on a missing argument.
        root.commands[words[1]].make_context(
            words[1], words[2:], resilient_parsing=kind is named_commands
        )


def test_every_fkd_command_is_shown():
    root = typer.main.get_command(app)
    assert {words[1] for words in commands("fkd")} >= set(root.commands)


def test_every_option_that_the_text_names_is_one_of_a_command():
    root = typer.main.get_command(app)
    known = set(ROOT_OPTIONS)
    for command in root.commands.values():
        for param in command.params:
            known |= {*param.opts, *param.secondary_opts}
    for page in PAGES:
        for option in re.findall(r"`(--[a-z-]+)", without_blocks(page.read_text())):
            assert option in known, f"{page.name}: {option}"


def test_every_make_target_is_there():
    makefile = (PROJECT / "Makefile").read_text()
    targets = {word for words in commands("make") for word in words[1:] if "=" not in word}
    assert {"repro", "check", "ui", "docs"} <= targets
    assert not [t for t in targets if not re.search(rf"^{t}:", makefile, flags=re.MULTILINE)]


def test_every_parameter_that_a_command_sets_is_there():
    params = flatten(read_yaml(PROJECT / "params.yaml"))
    recipe = flatten(read_yaml(PROJECT / RECIPE))
    settings = [
        words[i + 1] for words in commands("dvc") for i, word in enumerate(words) if word == "-S"
    ]
    assert len(settings) > 5
    for setting in settings:
        key = setting.split("=")[0]
        file, _, name = key.rpartition(":")
        known = recipe if file == RECIPE else params
        if name.startswith("++"):  # a new key of a mapping that is there
            name = name[2:].rpartition(".")[0]
        assert name in known or any(k.startswith(f"{name}.") for k in known), setting


def test_modules_and_tests_that_commands_run_are_there():
    for words in commands("python"):
        if words[1] == "-m" and words[2] != "pytest":
            place = PROJECT / words[2].replace(".", "/")
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), words
        for word in words[3:]:
            if word.startswith("tests/"):
                assert (PROJECT / word).exists(), words


def anchors(page: Path) -> set[str]:
    """The ids that MkDocs gives to a page's headings."""
    text = configuration_page() if page.name == "configuration.md" else page.read_text()
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_links_and_pictures_of_a_page_are_there(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", without_blocks(page.read_text())):
        place, _, anchor = unquote(target).partition("#")
        file = page.parent / place if place else page
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", SOURCES, ids=named(SOURCES))
def test_files_that_a_page_names_are_there(page):
    tops = "fkd|pipelines|tools|tests|docs|bench|data|models|reports"
    for path in re.findall(rf"`((?:{tops})/[\w./-]+)`", page.read_text()):
        if not path.startswith(MADE):
            assert (PROJECT / path).exists(), path


def test_modules_and_names_of_the_reference_are_there():
    from importlib import import_module

    shown = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(), flags=re.MULTILINE)
    assert len(shown) > 10
    for name in shown:
        module, _, last = name.rpartition(".")
        if last[0].isupper():
            assert hasattr(import_module(module), last), name
        else:
            import_module(name)


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page():
    def entries(part: object) -> Iterator[str]:
        if isinstance(part, str):
            yield part
        else:
            for inner in part.values() if isinstance(part, dict) else part:
                yield from entries(inner)

    config = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())
    assert sorted(entries(config["nav"])) == sorted(str(p.relative_to(DOCS)) for p in PAGES)


def test_included_files_are_there():
    included = [f for page in PAGES for f in re.findall(r'--8<-- "(.+)"', page.read_text())]
    cards = {str(p.relative_to(PROJECT)) for p in (PROJECT / "fkd/models/cards").glob("*.md")}
    assert set(included) == cards | {"CONTRIBUTING.md"}
    assert all((PROJECT / file).is_file() for file in included)


def keys(values: dict, prefix: str = "") -> Iterator[str]:
    """Keys of a YAML file that a model checks, as the page names them."""
    for key, value in values.items():
        inside = prefix + key
        if isinstance(value, dict) and inside not in MAPPINGS:
            yield from keys(value, f"{inside}.")
        else:
            yield inside


@pytest.mark.parametrize("file", ["params.yaml", RECIPE])
def test_the_configuration_page_has_every_key_with_its_value_and_a_description(file):
    values = read_yaml(PROJECT / file)
    rows = {}
    for line in configuration_page().splitlines():
        if match := re.match(r"\| `([\w.]+)` \| `(.+?)` \| (.+?) \| (.+) \|$", line):
            rows[match[1]] = match.groups()[1:]
    for key in keys(values):
        value: object = values
        for part in key.split("."):
            value = value[part]
        shown, kind, description = rows[key]
        assert yaml.safe_load(shown) == value, key
        assert kind and description not in ("", "None"), key


def test_the_configuration_page_has_every_section():
    assert set(SECTIONS) == set(read_yaml(PROJECT / "params.yaml"))


def test_limits_and_choices_are_on_the_configuration_page():
    page = configuration_page()
    assert "| `train.warmup` | `0.1` | number, at least 0, below 1 |" in page
    assert re.search(
        r"\| `train.loss` \| .+ \| one of `mse`, `l1`, `wing`, `adaptive_wing` \|", page
    )
    assert "range `[low, high]`, each: number, above 0, at most 1" in page


def test_the_chart_of_the_points_is_today_s():
    assert FILE.read_text() == landmarks_svg()


def test_the_chart_s_legend_covers_every_point_once():
    covered = [i for first, last, _, _ in PARTS for i in range(first, last + 1)]
    assert covered == list(range(COUNT))
    for first, last, group, _ in PARTS:
        assert GROUPS[group].start <= first <= last < GROUPS[group].stop


def test_the_requirements_of_the_site_move_no_pin_of_the_project():
    def pins(path: Path) -> dict[str, str]:
        lines = [line.split("==") for line in path.read_text().splitlines() if "==" in line]
        return {name.lower().replace("_", "-"): version for name, version in lines}

    site, project = pins(DOCS / "requirements.txt"), pins(PROJECT / "constraints.txt")
    assert "mkdocs" in site and not set(site) & set(project)


def cells(page: str, name: str) -> list[list[str]]:
    """The rows of a page's tables that begin with `name`, without it."""
    rows = [line.split(" | ") for line in (DOCS / page).read_text().splitlines()]
    return [row[1:] for row in rows if row[0].startswith(f"| `{name}`")]


@pytest.mark.parametrize("name", PACKAGED)
def test_the_scores_of_the_packaged_models_are_their_own(name):
    """The tables hold what each file says of itself."""
    scores = open_onnx(PACKAGED[name])[1].scores
    shown = {
        of: f"{scores[of]['annotation']['nme']:.2f} / {scores[of]['detector']['nme']:.2f}"
        for of in ("300w", "youtube-faces", "youtube-faces-official")
    }
    assert shown["300w"] in cells("models.md", name)[0]
    assert cells("evaluation.md", name)[0][:3] == list(shown.values())


def test_the_figures_of_the_comparison_are_those_of_the_last_bench():
    bench = json.loads((PROJECT / "reports/bench/bench.json").read_text())
    for name, of in bench["accuracy"].items():
        accuracy = cells("evaluation.md", name)[-2]
        for shown, score in zip(accuracy, of.values(), strict=True):
            assert shown.startswith(f"{score['nme']:.2f} ("), name
        photo = " / ".join(f"{ms['photo']:.2f}" for ms in bench["milliseconds"][name].values())
        assert photo in cells("evaluation.md", name)[-1], name


def test_the_table_of_fine_tuning_is_what_was_measured():
    with (PROJECT / "reports/bench/finetuning.csv").open(newline="") as file:
        rows = {(row["start"], row["photos"]): row for row in csv.DictReader(file)}
    starts = {"base": "fine-tuned from `base`", "scratch": "from scratch"}
    for column, name in (("common", "300-W common"), ("afw", "AFW")):
        for start, text in starts.items():
            measured = [
                rows.get((start, count), {column: "-"})[column]
                for count in ("0", "20", "50", "200", "1000")
            ]
            shown = " | ".join([f"{name}, {text}", *measured])
            assert f"| {shown} |" in (PROJECT / "docs/training.md").read_text()
