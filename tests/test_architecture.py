"""The rules of the design, read off the imports."""

import ast
import graphlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from conftest import PROJECT

LIBRARY = sorted((PROJECT / "fkd").rglob("*.py"))
PIPELINES = sorted((PROJECT / "pipelines").rglob("*.py"))
# The rooms, lowest first; each may import those before it and itself.
ROOMS = [
    "landmarks",
    "geometry",
    "ground_truth",
    "degradation",
    "io",
    "models",
    "detection",
    "inference",
    "synthetic",
    "datasets",
    "evaluation",
    "cluster",
    "training",
    "server",
    "cli",
    "__main__",
]


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from nodes(node)


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it."""
    for node in nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_file(name: str) -> Path | None:
    path = PROJECT / name.replace(".", "/")
    found = [p for p in (path / "__init__.py", path.with_suffix(".py")) if p.is_file()]
    return found[0] if found else None


def closure(script: Path) -> set[str]:
    """Every file of the library that a script reaches, as paths in the project."""
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path):
            parts = name.split(".")
            if parts[0] in ("fkd", "pipelines"):
                reached = (module_file(".".join(parts[: n + 1])) for n in range(1, len(parts)))
                waiting += [file for file in reached if file]
    return {str(path.relative_to(PROJECT)) for path in seen}


def reached_files(paths: Iterable[Path]) -> Iterator[str]:
    """The modules that are some files, or stand in some folders themselves."""
    for path in paths:
        inside = path.glob("*.py") if path.is_dir() else [path]
        yield from (str(file.relative_to(PROJECT)) for file in inside)


def room(path: Path) -> str:
    """The module or package directly under fkd/ that a file belongs to."""
    return path.relative_to(PROJECT / "fkd").parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    ("package", "only_in"),
    [
        ("torch", "training"),
        ("mlflow", "registered.py"),
        ("matplotlib", "figures.py"),
        ("anny", "nowhere"),
        ("dvc", "nowhere"),
        ("pyarrow", "parquet"),
    ],
)
def test_a_heavy_package_is_imported_in_its_one_place_only(package, only_in):
    users = {p for p in LIBRARY if any(name.split(".")[0] == package for name in imports(p))}
    strangers = {str(p) for p in users if only_in not in p.relative_to(PROJECT / "fkd").parts}
    assert not strangers


def test_mlflow_has_one_home_in_the_pipeline():
    users = {p.parent for p in PIPELINES if any(n.split(".")[0] == "mlflow" for n in imports(p))}
    assert users == {PROJECT / "pipelines" / "tracking"}


def test_the_cascade_and_onnx_sessions_have_one_home():
    homes = {"CascadeClassifier": "haar.py", "InferenceSession(": "session.py"}
    for word, home in homes.items():
        assert [p.name for p in LIBRARY if word in p.read_text()] == [home]


def test_imports_point_down_only():
    level = {name: number for number, name in enumerate(ROOMS)}
    for path in LIBRARY:
        mine = room(path)
        if mine == "__init__":
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "fkd" and len(parts) > 1 and parts[1] in level:
                assert level[parts[1]] <= level[mine], f"{path} imports {name}"


def test_no_two_modules_import_each_other_in_a_circle():
    arrows = {
        path: {file for name in imports(path) if (file := module_file(name))} - {path}
        for path in LIBRARY
    }
    order = graphlib.TopologicalSorter(
        {path: {f for f in to if f.name != "__init__.py"} for path, to in arrows.items()}
    )
    order.prepare()  # raises CycleError, which names the circle


def test_every_module_has_its_room():
    assert {room(path) for path in LIBRARY} == {*ROOMS, "__init__"}


def test_the_library_does_not_import_the_pipeline():
    assert not [p for p in LIBRARY if any(n.startswith("pipelines") for n in imports(p))]


def test_nothing_happens_on_import():
    """Modules hold definitions and constants; no bare calls but decorators and the main guard."""
    for path in LIBRARY:
        if path.name == "__main__.py":
            continue
        for node in ast.parse(path.read_text()).body:
            call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            loop = isinstance(node, ast.For | ast.While | ast.With)
            assert not call and not loop, f"{path}:{node.lineno}"


def test_files_stay_short():
    long = {
        str(p.relative_to(PROJECT)): n
        for p in LIBRARY
        if (n := len(p.read_text().splitlines())) > 280
    }
    assert not long
