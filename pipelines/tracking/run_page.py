"""What a run's page in MLflow tells beside numbers: data sets, description, lineage."""

import json
from typing import Any

from pipelines.tracking.outbox import Record
from pipelines.tracking.runs import DESCRIPTION, experiment_of, run_called

HEADING = "### "
LINEAGE = "Lineage"


def send_inputs(client: Any, run_id: str, record: Record) -> None:
    """The data sets that the run reads, and what for."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=each["name"],
                digest=each["digest"],
                source_type="local",
                source=json.dumps({"uri": each["folder"]}),
                profile=json.dumps(each["profile"]),
            ),
            [InputTag("mlflow.data.context", each["context"])],
        )
        for each in record["sets"]
    ]
    client.log_inputs(run_id, inputs)


def send_parent(client: Any, run_id: str, record: Record) -> None:
    """A model that the run learns from: its run as a tag, and as a link where the store has it."""
    role, model = record["role"], record["model"]
    experiment = experiment_of(client)
    parent = run_called(client, experiment, record["run"])
    line = f"- {role}: {model}"
    if parent is not None:
        client.set_tag(run_id, f"{role}_run", parent.info.run_id)
        line += f", of run {link(parent)}"
    add_line(client, run_id, LINEAGE, line)


def link(run: Any) -> str:
    """A run as a link within MLflow's pages."""
    name, (experiment, run_id) = run.info.run_name, (run.info.experiment_id, run.info.run_id)
    return f"[{name}](#/experiments/{experiment}/runs/{run_id})"


def send_description(client: Any, run_id: str, record: Record) -> None:
    """A section of the run's description, in place of the one with its heading."""
    sections = _sections(client, run_id) | {record["heading"]: record["text"]}
    _write(client, run_id, sections)


def add_line(client: Any, run_id: str, heading: str, line: str) -> None:
    """A line at the end of a section, where it does not stand there already."""
    sections = _sections(client, run_id)
    lines = sections.get(heading, "").splitlines()
    if line not in lines:
        _write(client, run_id, sections | {heading: "\n".join([*lines, line])})


def _sections(client: Any, run_id: str) -> dict[str, str]:
    """The texts of a description by their headings, in their order."""
    text = client.get_run(run_id).data.tags.get(DESCRIPTION, "")
    parts = (part.partition("\n") for part in f"\n{text}".split(f"\n{HEADING}")[1:])
    return {heading: body.strip() for heading, _, body in parts}


def _write(client: Any, run_id: str, sections: dict[str, str]) -> None:
    text = "\n\n".join(f"{HEADING}{heading}\n{body}" for heading, body in sections.items())
    client.set_tag(run_id, DESCRIPTION, text)
