"""The rules of the design, read off the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROJECT

LIBRARY = sorted((PROJECT / "fkd").rglob("*.py"))
# Each may import those before it; the parts of one layer may import each other.
LAYERS = [
    {"landmarks"},
    {"preprocess", "metrics", "certainty", "progress", "smooth"},
    {"detect", "tracking", "params", "photo"},
    {"draw", "datasets", "synthetic", "prepare", "model_info", "false_boxes"},
    {"evaluate", "calibrate", "onnx_model"},
    {"predictor", "report", "score", "infer", "track", "video"},
    {"training", "server"},
    {"cli", "__main__"},
]
# Lazy imports that reach up on purpose: the torch backend.
UPWARD = {("predictor", "training")}


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
            if parts[0] == "fkd":
                reached = (module_file(".".join(parts[: n + 1])) for n in range(1, len(parts)))
                waiting += [file for file in reached if file]
    return {str(path.relative_to(PROJECT)) for path in seen}


def part(path: Path) -> str:
    """The module or package directly under fkd/ that a file belongs to."""
    return path.relative_to(PROJECT / "fkd").parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    ("package", "only_in"),
    [
        ("torch", "training"),
        ("mlflow", "tracking.py"),
        ("matplotlib", "draw.py"),
        ("anny", "nowhere"),
        ("dvc", "nowhere"),
    ],
)
def test_a_heavy_package_is_imported_in_its_one_place_only(package, only_in):
    users = {p for p in LIBRARY if any(name.split(".")[0] == package for name in imports(p))}
    strangers = {str(p) for p in users if only_in not in p.relative_to(PROJECT / "fkd").parts}
    assert not strangers


def test_the_cascade_and_onnx_sessions_have_one_home():
    homes = {"CascadeClassifier": "detect.py", "InferenceSession(": "onnx_model.py"}
    for word, home in homes.items():
        assert [p.name for p in LIBRARY if word in p.read_text()] == [home]


def test_imports_point_down_only():
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    for path in LIBRARY:
        mine = part(path)
        if mine == "__init__":
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "fkd" and len(parts) > 1 and parts[1] in level:
                allowed = level[parts[1]] <= level[mine] or (mine, parts[1]) in UPWARD
                assert allowed, f"{path} imports {name}"


def test_every_module_has_its_layer():
    known = set().union(*LAYERS) | {"__init__", "models", "py"}
    assert {part(path) for path in LIBRARY} <= known


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
