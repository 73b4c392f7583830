"""What a killed training leaves behind, and on what a training depends."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from fkd.io.files import write_whole
from pipelines.tracking import Run


def take_over(run: Run, running: Path, state: Path, inputs: str) -> None:
    """Close the run of a training that was killed, and note which one is running now.

    running: file that names the run whose training has not ended. state: file of that training,
    which goes on when its `inputs` are the same.
    """
    digest = hashlib.sha256(inputs.encode()).hexdigest()
    if running.is_file():
        killed, _, of_inputs = running.read_text().strip().partition(" ")
        run.close_killed(killed, continued=state.is_file() and of_inputs == digest)
    write_whole(running, f"{run.id} {digest}\n".encode())


def fingerprint(paths: Iterable[Path]) -> str:
    """A short hash of some files, and of those that stand in some folders themselves."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            digest.update(file.name.encode())
            with file.open("rb") as opened:
                while block := opened.read(1 << 22):
                    digest.update(block)
    return digest.hexdigest()[:16]
