"""What every stage's script does at its edges: fail with one sentence, and write reports whole."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fkd.io.files import sentence, write_whole
from fkd.io.text import json_text, printable


def run_stage(name: str, main: Callable[[], None], *errors: type[ValueError]) -> None:
    """Run a stage. What it cannot go on from is one sentence and exit status 1.

    errors: those of its own, besides files that cannot be read or written.
    """
    try:
        main()
    except errors as error:
        sys.exit(printable(f"{name}: {error}"))
    except OSError as error:
        sys.exit(printable(f"{name}: {sentence(error)}"))


def write_json(path: Path, values: Any) -> None:
    """Write a report whole or not at all. Raises OSError; ValueError for a number that is none."""
    write_whole(path, f"{json_text(values, 2)}\n".encode())
