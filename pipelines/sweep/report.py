"""What a sweep found: a command, a table of changes, the trials, pictures."""

import shlex
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from fkd.io.config import flatten
from fkd.io.files import whole_file, write_whole
from fkd.io.text import csv_table
from pipelines.sweep.study import ENDED

# The fewest completed trials that can be compared.
FEWEST = 2


def best_command(name: str, values: Mapping[str, Any]) -> str:
    """One command that trains with the best values."""
    settings = (shlex.join(["-S", f"{key}={value}"]) for key, value in values.items())
    return " ".join(["dvc exp run", "-n", f"{name}-best", *settings])


def params_diff(params: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The best values beside those of params.yaml, as `dvc params diff --md` shows changes."""
    known = flatten(dict(params))
    lines = ["| Path | Param | workspace | best |", "|---|---|---|---|"]
    lines += [
        f"| params.yaml | {key} | {known[key]} | {value} |"
        for key, value in values.items()
        if known[key] != value
    ]
    return "\n".join(lines) + "\n"


def result_text(study: optuna.Study, params: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """What was found, in Markdown. values: of the best trial."""
    ended = study.get_trials(deepcopy=False, states=ENDED)
    pruned = sum(one.state == TrialState.PRUNED for one in ended)
    best = study.best_trial
    return (
        f"Of {len(ended)} trials {pruned} were pruned; the best, trial {best.number}, has a "
        f"validation NME of {best.value:.2f} %. What it changes:\n\n{params_diff(params, values)}\n"
        f"`{best_command(study.study_name, values)}` trains, scores and registers with its values; "
        "all trials and the pictures are in the artifacts, folder `sweep`."
    )


def write_report(
    study: optuna.Study, params: Mapping[str, Any], values: Mapping[str, Any], folder: Path
) -> list[Path]:
    """Write all of it into a folder. values: of the best trial. Returns the files."""
    files = {
        "best.sh": f"{best_command(study.study_name, values)}\n".encode(),
        "params_diff.md": params_diff(params, values).encode(),
        "trials.csv": csv_table(_rows(study)),
    }
    for name, content in files.items():
        write_whole(folder / name, content)
    return [*(folder / name for name in files), *_pictures(study, folder)]


def _rows(study: optuna.Study) -> Iterator[list[object]]:
    ended = study.get_trials(deepcopy=False, states=ENDED)
    keys = sorted({key for one in ended for key in one.params})
    yield ["trial", "state", "val_nme", "epochs", *keys]
    for one in ended:
        values = (one.params.get(key, "") for key in keys)
        yield [one.number, one.state.name, best_of(one), len(one.intermediate_values), *values]


def best_of(trial: FrozenTrial) -> float | str:
    """A trial's best validation NME, percent; empty where there is none."""
    return round(min(trial.intermediate_values.values()), 4) if trial.intermediate_values else ""


def _pictures(study: optuna.Study, folder: Path) -> list[Path]:
    """Which keys matter, each trial as a line through its values, and all in their order."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as plots

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    drawn: dict[str, tuple[Callable[..., Any], optuna.Study]] = {
        "history.png": (plots.plot_optimization_history, study),
        "parallel_coordinate.png": (plots.plot_parallel_coordinate, _with_pruned(study)),
    }
    if len(complete) >= FEWEST:
        drawn["importance.png"] = (plots.plot_param_importances, study)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for name, (plot, of) in drawn.items():
            figure = plot(of, target_name="validation NME, %").figure
            figure.set_size_inches(11, 5)
            for axes in figure.axes:
                axes.grid(False)  # which looks like more trials
                for lines in axes.collections:
                    lines.set_cmap("viridis")  # Optuna's palest are white on white
            with whole_file(folder / name) as partial:
                figure.savefig(partial, format="png", dpi=110, bbox_inches="tight")
            pyplot.close(figure)
    return [folder / name for name in drawn]


def _with_pruned(study: optuna.Study) -> optuna.Study:
    """A study whose pruned trials count with the best score they had, so that they are drawn."""
    shown = optuna.create_study(direction="minimize")
    for one in study.get_trials(states=ENDED):
        if one.intermediate_values:
            value = min(one.intermediate_values.values())
            copied = optuna.trial.create_trial(
                params=one.params, distributions=one.distributions, value=value
            )
            shown.add_trial(copied)
    return shown
