"""The bench's figures as tables a person reads."""

from collections.abc import Mapping

from bench.faces import Score
from bench.programs import Start


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
    steps = {"detect": "detect", "points": "one face", "points_of_16": "of 16", "photo": "photo"}
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
