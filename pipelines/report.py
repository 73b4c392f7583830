"""What a change does to the results of the pipeline, for whoever reviews it.

`python -m pipelines.report REVISION` writes report/report.md, which the summary of a job shows, and
report/report.html, the same with the pictures in it.
"""

import base64
import html
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from fkd.io.config import read_yaml
from fkd.io.files import write_whole
from fkd.models.metadata import ModelError
from fkd.models.session import open_onnx
from pipelines.stage import run_stage
from pipelines.tracking.mlflow_store import run_link
from pipelines.tracking.outbox import Unreachable
from pipelines.tracking.source import git

FOLDER = Path("report")
MODEL = Path("models/model.onnx")
DIFFS = {"Metrics": "metrics", "Parameters": "params"}
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .6rem}"
    "img{max-width:100%}"
)


class ReportError(ValueError):
    """Why there is no report; one sentence."""


def main() -> None:
    if len(sys.argv) != 2:
        raise ReportError("name the revision to compare with: python -m pipelines.report main")
    base = sys.argv[1]
    if not git("rev-parse", "--verify", f"{base}^{{commit}}"):
        raise ReportError(f"{base!r} is not a revision of this repository")
    text = report(base)
    pictures = [path for path in pictures_of(read_yaml(Path("dvc.yaml"))) if path.is_file()]
    write_whole(FOLDER / "report.md", text.encode())
    write_whole(FOLDER / "report.html", page(text, pictures).encode())
    print(f"{FOLDER}/report.md, {FOLDER}/report.html: {len(pictures)} pictures")


def report(base: str) -> str:
    """The report in Markdown, without pictures."""
    now = git("describe", "--always", "--dirty")
    parts = [f"# Pipeline of `{now}` beside `{base}`", mlflow_line()]
    for title, command in DIFFS.items():
        parts += [f"## {title}", diff([command, "diff", "--md", base])]
    return "\n\n".join(parts) + "\n"


def diff(command: list[str]) -> str:
    """What a DVC command shows in Markdown; a sentence where nothing has changed. Raises
    ReportError where DVC fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", *command], capture_output=True, text=True)
    if done.returncode:
        raise ReportError(done.stderr.strip().split("\n")[0] or f"dvc {command[0]} failed")
    # Without a change DVC prints the head of a table at most.
    rows = [line for line in done.stdout.strip().splitlines() if line.startswith("|")]
    return "\n".join(rows) if len(rows) > 2 else "No change."


def mlflow_line() -> str:
    """Where the run of the exported model is."""
    try:
        run = open_onnx(MODEL)[1].provenance.get("run", "")
    except ModelError as error:
        return f"No model: {error}."
    try:
        return f"MLflow run [`{run}`]({run_link(run)})"
    except Unreachable as error:
        return f"MLflow run `{run}`, which the store does not show ({error})."


def pictures_of(dvc: dict[str, object]) -> list[Path]:
    """The pictures among the plots of dvc.yaml."""
    plots = dvc.get("plots")
    assert isinstance(plots, list)
    return [Path(plot) for plot in plots if isinstance(plot, str) and plot.endswith(".png")]


def page(text: str, pictures: Iterable[Path]) -> str:
    """The report as one page of HTML that needs no other file."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    shown = (
        f'<h3>{html.escape(str(path))}</h3><img alt="{html.escape(str(path))}" '
        f'src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}">'
        for path in pictures
    )
    head = f'<meta charset="utf-8"><title>fkd: report</title><style>{STYLE}</style>'
    return f"<!doctype html>{head}{body}<h2>Pictures</h2>{''.join(shown)}\n"


if __name__ == "__main__":
    run_stage("report", main, ReportError)
