"""What is fuzzed, a module each; `fuzz` says what is in one."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def load_target(name: str) -> ModuleType:
    """The module of a target."""
    return import_module(f"fuzz.targets.{name}")
