"""The bench's figures: stored, and as tables a person reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.detectors.score import Figures
from bench.faces import Score
from bench.programs import Start

REPORT = Path("reports/bench")


def keep(folder: Path = REPORT, **parts: Any) -> None:
    """Store parts of the figures in `bench.json`, each in place of the one of its name."""
    file = folder / "bench.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures | parts, indent=1) + "\n")


def tell(title: str, text: str) -> None:
    """Print a table."""
    print(f"\n{title}\n\n{text}", flush=True)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def accuracy(scores: Mapping[str, Mapping[str, Score]], notes: Mapping[str, str]) -> str:
    """By program and set: NME of the faces that all find (bias taken out), fraction found."""
    sets = next(iter(scores.values()))
    head = ["", *(f"{name} ({of.faces})" for name, of in sets.items()), ""]
    rows = []
    for program, of in scores.items():
        cells = [f"{s.nme:.2f} ({s.aligned:.2f}), {s.found:.1f} %" for s in of.values()]
        rows.append([f"`{program}`", *cells, notes.get(program, "")])
    return markdown(head, rows)


def speed(
    times: Mapping[str, Mapping[int, Mapping[str, float]]],
    starts: Mapping[str, Start],
) -> str:
    """By program: milliseconds of each step on one and two cores, start, memory, file size."""
    steps = {
        "detect": "detect",
        "points": "one face",
        "points_of_16": "of 16",
        "photo": "photo",
        "photo_neural": "photo, neural",
    }
    head = ["ms on 1 / 2 cores", *steps.values(), "cold start s", "memory MB", "file MB"]
    rows = []
    for program, by_cores in times.items():
        cells = [
            " / ".join(f"{of[step]:.2f}" if step in of else "-" for of in by_cores.values())
            for step in steps
        ]
        start = starts[program]
        ends = [f"{start.seconds:.2f}", f"{start.memory:.0f}", f"{start.file:.1f}"]
        rows.append([f"`{program}`", *cells, *ends])
    return markdown(head, rows)


def detectors(
    times: Mapping[str, Mapping[str, float]], scores: Mapping[str, Mapping[str, Figures]]
) -> str:
    """By program: milliseconds of the detector, and with the points; by set the recall at each
    number of false boxes, and average precision."""
    sets = next(iter(scores.values()))
    head = ["", "detect", "with points", *(f"{name} ({of.faces})" for name, of in sets.items())]
    rows = []
    for program, by_set in scores.items():
        taken = times[program]
        speeds = [f"{taken[step]:.2f}" if step in taken else "-" for step in ("detect", "photo")]
        cells = [
            f"{' / '.join(f'{recall:.1f}' for recall in of.recall.values())}, "
            f"{of.average_precision:.1f}"
            for of in by_set.values()
        ]
        rows.append([f"`{program}`", *speeds, *cells])
    return markdown(head, rows)
