"""An Optuna study in a folder: processes share it, and what one that was killed had begun is begun
again from its last epoch.

A trial's lock is held by the process that works on it, and the system lets go of it when that ends,
however it ends: a trial that runs and whose lock is free was killed.
"""

import fcntl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from fkd.io.config import ConfigError
from pipelines.sweep.space import Sweep, suggested

JOURNAL, LOCK = "journal.log", "study.lock"
# Attributes of a trial: the first of those that go on with its work; its MLflow run; its values.
FIRST, RUN, VALUES = "first", "run", "values"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class Begun(NamedTuple):
    """A trial that this process works on. values: of each key of the space. state: file of its
    training. before: the trial that it goes on with, None for a new one. lock: closed at its end.
    """

    trial: optuna.Trial
    values: dict[str, Any]
    state: Path
    before: optuna.trial.FrozenTrial | None
    lock: IO[str]


def open_study(sweep: Sweep, folder: Path, inputs: str) -> optuna.Study:
    """The study of a folder, which is made. inputs: on what its scores depend. Raises ConfigError
    where they are others than before."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        study = optuna.create_study(
            study_name=sweep.name,
            storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
            pruner=optuna.pruners.SuccessiveHalvingPruner(
                min_resource=sweep.pruning.min_epochs,
                reduction_factor=sweep.pruning.reduction_factor,
            ),
            direction="minimize",
            load_if_exists=True,
        )
        if study.user_attrs.get("inputs", inputs) != inputs:
            raise ConfigError(
                f"sweep.yaml: name: {sweep.name} was begun with another space, or other "
                "parameters, data or code; take another name"
            )
        study.set_user_attr("inputs", inputs)
    return study


def begin(study: optuna.Study, sweep: Sweep, params: dict[str, Any], folder: Path) -> Begun | None:
    """The next trial; None when all are done or worked on by other processes."""
    with locked(folder):
        _give_up_killed(study, folder)
        trials = study.get_trials(deepcopy=False)
        if sum(one.state in (*ENDED, TrialState.RUNNING) for one in trials) >= sweep.trials:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # Of the number of trials, so that no two processes try the same at the start.
            study.sampler = TPESampler(
                n_startup_trials=sweep.startup_trials,
                multivariate=True,
                constant_liar=True,
                seed=sweep.seed + len(trials),
            )
        trial = study.ask()
        lock = _lock_of(folder, trial.number)
        fcntl.flock(lock, fcntl.LOCK_EX)
        values = suggested(sweep, params, trial)
    first = trial.user_attrs.get(FIRST, trial.number)
    earlier = [one for one in trials if one.number == trial.user_attrs.get("before")]
    return Begun(trial, values, folder / f"{first}.pt", earlier[0] if earlier else None, lock)


def end(study: optuna.Study, begun: Begun, value: float | None) -> None:
    """Tell a trial's score; None for one that was pruned."""
    state = TrialState.PRUNED if value is None else TrialState.COMPLETE
    study.tell(begun.trial, value, state=state)
    begun.state.unlink(missing_ok=True)
    begun.lock.close()
    Path(begun.lock.name).unlink(missing_ok=True)


def _give_up_killed(study: optuna.Study, folder: Path) -> None:
    """Trials whose process was killed fail, and their values wait to be tried again."""
    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        with _lock_of(folder, one.number) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # somebody works on it
            study.tell(one.number, state=TrialState.FAIL)
            first = one.user_attrs.get(FIRST, one.number)
            study.enqueue_trial(one.params, {FIRST: first, "before": one.number})
        Path(lock.name).unlink(missing_ok=True)


def _lock_of(folder: Path, number: int) -> IO[str]:
    return (folder / f"{number}.lock").open("w")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While one process is in here no other is."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
