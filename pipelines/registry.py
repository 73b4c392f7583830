"""Stage registry: the run's model and the champion, scored on one benchmark; the better leads."""

import json
import tempfile
from pathlib import Path
from typing import Any

from fkd.datasets.sample import BadDataset
from fkd.datasets.store import LabelledFace
from fkd.evaluation.champion import RegistryParams, benchmark_faces, decide, nme_of
from fkd.io.config import ConfigError, load_section
from fkd.models.metadata import ModelError
from fkd.models.session import open_onnx
from fkd.models.zoo import DEFAULT, PACKAGED
from pipelines.stage import run_stage, write_json
from pipelines.tracking import resumed_run
from pipelines.tracking.choosing import choosing
from pipelines.tracking.mlflow_store import calls_to_store, connect
from pipelines.tracking.outbox import Unreachable, say
from pipelines.tracking.registry import (
    CHALLENGER,
    CHAMPION,
    Version,
    download,
    latest_of_run,
    log_version,
    of_alias,
    settle,
)
from pipelines.tracking.runs import create_finished_run

PARAMS = Path("params.yaml")
MODEL = Path("models/model.onnx")
PARITY = Path("reports/export/parity.json")
REPORT = Path("reports/registry")


def main() -> None:
    """Score the run's model, and decide whether it becomes the champion."""
    _, info = open_onnx(MODEL)
    with resumed_run(info.provenance["run"]) as run:
        params = load_section(RegistryParams, PARAMS, "registry")
        faces = benchmark_faces(Path(params.benchmark))
        nme = nme_of(MODEL, faces)
        figures = {"benchmark": {"faces": len(faces), "nme": round(nme, 4)}}
        write_json(REPORT / "metrics.json", figures)
        passed = json.loads(PARITY.read_text())["passed"]
        run.metrics({"registry/nme": nme})
        try:
            with calls_to_store():
                decision = settle_version(run.id, nme, passed, faces, params.benchmark)
            run.describe("In the registry", decision)
        except Unreachable as error:
            say(f"no champion was chosen ({error}); `dvc repro -f -s registry` chooses later")


def settle_version(
    run_id: str, nme: float, passed: bool, faces: list[LabelledFace], benchmark: str
) -> str:
    """Decide about the version that a run has registered, and say why. The first champion is the
    packaged `base`. Where somebody else's takes the lead meanwhile, the decision is made anew."""
    client = connect()
    version = latest_of_run(client, run_id)
    if version is None:
        raise Unreachable(f"run {run_id} has registered no version")
    settled = False
    while not settled:
        leading = of_alias(client, CHAMPION) or first_champion(client)
        decision = decide(nme, nme_of_version(client, leading, faces), passed)
        why = f"{decision.why} (version {leading.number}) on {len(faces)} faces of {benchmark}"
        alias = CHAMPION if decision.leads else CHALLENGER
        with choosing(client):
            leads = of_alias(client, CHAMPION)
            settled = leads is not None and leads.number == leading.number
            if settled:
                settle(client, version.number, alias, why)
    decided = f"fkd version {version.number} is {alias}: {why}"
    print(decided)
    return decided


def first_champion(client: Any) -> Version:
    """The packaged default as the registry's first champion, where there is none."""
    with choosing(client):
        if there := of_alias(client, CHAMPION):
            return there
        run_id = create_finished_run(client, f"packaged {DEFAULT}")
        version = log_version(client, run_id, PACKAGED[DEFAULT])
        settle(client, version.number, CHAMPION, f"the packaged {DEFAULT}")
        return version


def nme_of_version(client: Any, version: Version, faces: list[LabelledFace]) -> float | None:
    """NME of a registered version, percent; None when this version of fkd cannot open it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(download(client, version.number))
        try:
            return nme_of(file, faces)
        except ModelError:
            return None


if __name__ == "__main__":
    run_stage("registry", main, BadDataset, ConfigError, ModelError)
