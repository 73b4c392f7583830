"""Sections of a run's description: what a reviewer asks first, in Markdown."""

from collections.abc import Mapping, Sequence

from pipelines.tracking.source import source_tags

WHAT, AGAIN, RESULT = "What this is", "Again", "Result"
FIGURES = {"nme": "NME, %", "failure_rate": "failures, %", "faces": "faces"}


def again_text() -> str:
    """How to make the same run again."""
    tags = source_tags()
    commit = tags.get("git_commit", "")
    if not commit:
        return "The code was in no git repository; `params` has every parameter."
    text = f"`git checkout {commit[:12]} && dvc repro`"
    if name := tags.get("dvc_experiment"):
        text += f", after `dvc exp apply {name}` where that experiment is known"
    if tags.get("git_dirty") == "true":
        text += "; files had been changed since that commit, and `params` has every parameter"
    return f"{text}."


def scores_table(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Scores by test set and source of the boxes: the fewer percent, the better."""
    rows = [["test set", "boxes", *FIGURES.values()]]
    for name, sources in figures.items():
        for source, of in sources.items():
            numbers = [f"{of[key]:.4g}" if key in of else "" for key in FIGURES]
            rows.append([name, source.replace("_", " "), *numbers])
    return table(rows) + (
        "\n\nNME is the mean distance of a point from its label, in percent of the distance "
        "between the outer corners of the eyes; a face fails above 8 %, or where it is not found."
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table; the first is its head."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])
