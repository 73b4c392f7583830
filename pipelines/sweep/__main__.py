"""Search the parameters of training: `python -m pipelines.sweep`, in as many processes as wanted.

Each trial is a training on the prepared faces and a child of the sweep's MLflow run.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from fkd.datasets.sample import BadDataset
from fkd.datasets.store import Faces, LabelledFace
from fkd.io.config import ConfigError, flatten, read_yaml
from fkd.training.loop.callbacks import Callbacks, Diverged, Epoch
from fkd.training.loop.fit import fit
from pipelines.stage import run_stage
from pipelines.sweep.space import Sweep, load_sweep, train_params
from pipelines.tracking import Run, new_run, resumed_run
from pipelines.tracking.description import RESULT, WHAT
from pipelines.train import (
    PARAMS,
    data_and_code,
    log_epoch,
    training_faces,
    validation_faces,
)

try:
    import optuna

    from pipelines.sweep.report import best_command, params_diff, result_text, write_report
    from pipelines.sweep.study import ENDED, RUN, VALUES, Begun, begin, end, locked, open_study
except ModuleNotFoundError as error:
    from fkd.io.extras import install_hint

    sys.exit(f"sweep: {error.name} is not installed; {install_hint('sweep')}")

SWEEP = Path("sweep.yaml")
USAGE = "usage: python -m pipelines.sweep, without arguments; sweep.yaml says what is searched"


def main() -> None:
    if len(sys.argv) > 1:
        sys.exit(USAGE)
    params = read_yaml(PARAMS)
    sweep = load_sweep(SWEEP, params)
    base = train_params(params, {}, PARAMS.name)
    folder = Path(sweep.folder) / sweep.name
    data, code = data_and_code()
    inputs = hashlib.sha256(f"{data} {code} {base} {sweep.space}".encode()).hexdigest()
    study = open_study(sweep, folder, inputs)
    faces, val = training_faces(base), validation_faces(base.augment)
    with sweep_run(study, sweep, folder, data) as parent:
        while begun := begin(study, sweep, params, folder):
            tags = {"mlflow.parentRunId": parent.id, "sweep": sweep.name}
            tags["mlflow.runName"] = f"{sweep.name} {begun.trial.number}"
            with new_run({**tags, "data_fingerprint": data}) as run:
                value = trial_value(begun, params, faces, val, f"{inputs} {torch.__version__}", run)
            end(study, begun, value)
            say(study, sweep, begun, value)
        conclude(study, params, folder, parent)


@contextmanager
def sweep_run(study: optuna.Study, sweep: Sweep, folder: Path, data: str) -> Iterator[Run]:
    """The MLflow run of the whole sweep, which all processes share."""
    with ExitStack() as stack:
        with locked(folder):
            known = study.user_attrs.get(RUN)
            tags = {"mlflow.runName": f"sweep {sweep.name}", "data_fingerprint": data}
            run = stack.enter_context(resumed_run(known) if known else new_run(tags))
            study.set_user_attr(RUN, run.id)
            if not known:
                run.describe(WHAT, what_text(sweep))
        yield run


def what_text(sweep: Sweep) -> str:
    """What the run of a sweep is, in Markdown."""
    keys = ", ".join(f"`{key}`" for key in sweep.space)
    return (
        f"A search of parameters of training with Optuna: {sweep.trials} trials on the same "
        f"prepared faces, each a child of this run. The first {sweep.startup_trials} are at random "
        "and the rest by TPE; successive halving ends early those whose validation NME is high. "
        f"Tried are {keys}."
    )


def trial_value(
    begun: Begun,
    params: dict[str, Any],
    faces: Faces,
    val: Sequence[LabelledFace],
    inputs: str,
    run: Run,
) -> float | None:
    """The best validation NME of a trial's training, percent; None where it was pruned, or where
    its loss was no number any more."""
    trial, of = begun.trial, train_params(params, begun.values)
    trial.set_user_attr(RUN, run.id)
    trial.set_user_attr(VALUES, begun.values)
    run.params(flatten({"train": of.model_dump()}))
    told = "\n".join(f"- `{key}`: {value}" for key, value in begun.values.items())
    run.describe(
        WHAT, f"Trial {trial.number} of the sweep that is the parent of this run:\n\n{told}"
    )
    if begun.before:
        run.close_killed(begun.before.user_attrs.get(RUN, ""), continued=begun.state.is_file())
        for epoch, nme in begun.before.intermediate_values.items():
            trial.report(nme, epoch)

    def on_epoch(record: Epoch) -> None:
        log_epoch(record, run)
        trial.report(record.val_nme, record.epoch + 1)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        result = fit(faces, val, of, begun.state, f"{inputs} {of}", Callbacks(on_epoch=on_epoch))
    except optuna.TrialPruned:
        return None
    except Diverged as error:
        print(f"trial {trial.number}: {error}", file=sys.stderr)
        return None
    run.metrics({"val/best_nme": result.best.val_nme, "train/best_epoch": result.best.epoch})
    return result.best.val_nme


def say(study: optuna.Study, sweep: Sweep, begun: Begun, value: float | None) -> None:
    """A line about a trial that has ended."""
    trials = study.get_trials(deepcopy=False)
    ended, told = sum(one.state in ENDED for one in trials), trials[begun.trial.number]
    count = len(told.intermediate_values)
    epochs = f"after {count} epoch{'s' if count != 1 else ''}"
    how = f"pruned {epochs}" if value is None else f"NME {value:.2f} % {epochs}"
    values = ", ".join(f"{key}={of}" for key, of in begun.values.items())
    number = f"trial {begun.trial.number} ({ended} of {sweep.trials})"
    print(f"{number}: {how}, {values}", flush=True)


def conclude(study: optuna.Study, params: dict[str, Any], folder: Path, parent: Run) -> None:
    """Say and store what was found."""
    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    if not complete:
        print("no trial was trained to its end")
        return
    best = study.best_trial
    values = best.user_attrs[VALUES]
    parent.metrics({"sweep/best_val_nme": study.best_value, "sweep/complete": len(complete)})
    parent.describe(RESULT, result_text(study, params, values))
    parent.files(write_report(study, params, values, folder), "sweep")
    print(f"\nbest: trial {best.number}, validation NME {study.best_value:.2f} %\n")
    print(params_diff(params, values))
    print(best_command(study.study_name, values))


if __name__ == "__main__":
    run_stage("sweep", main, BadDataset, ConfigError)
