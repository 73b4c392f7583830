"""Sweeps: the space is checked, processes share a study, and a killed trial goes on."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

from fkd.io.config import ConfigError, read_yaml
from pipelines.sweep.space import changed, load_sweep, suggested

PARAMS = read_yaml(PROJECT / "params.yaml")
SPACE = {
    "train.lr": {"low": 0.001, "high": 0.01, "log": True},
    "train.batch_size": {"low": 8, "high": 16},
    "train.augment.flip_prob": {"choices": [0.0, 0.5]},
}


def sweep_file(folder: Path, **changes: object) -> Path:
    values = yaml.safe_load((PROJECT / "sweep.yaml").read_text()) | {"space": SPACE} | changes
    (folder / "sweep.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder / "sweep.yaml"


class Highest:
    """Suggests the high end, or the last choice."""

    def suggest_int(self, name, low, high, *, log=False):
        return high

    def suggest_float(self, name, low, high, *, log=False):
        return high / 3

    def suggest_categorical(self, name, choices):
        return choices[-1]


def test_the_projects_own_sweep_fits_its_parameters():
    assert load_sweep(PROJECT / "sweep.yaml", PARAMS).space


def test_a_trial_has_values_of_the_parameters_types_and_changes_nothing_else(tmp_path):
    values = suggested(load_sweep(sweep_file(tmp_path), PARAMS), PARAMS, Highest())
    assert values == {
        "train.lr": 0.00333,
        "train.batch_size": 16,
        "train.augment.flip_prob": 0.5,
    }
    assert isinstance(values["train.batch_size"], int)
    new = changed(PARAMS, {"train.lr": 1.0})
    assert new["train"].pop("lr") == 1.0 and PARAMS["train"]["lr"] == 0.002
    assert new["train"] == {key: of for key, of in PARAMS["train"].items() if key != "lr"}


@pytest.mark.parametrize(
    ("space", "named"),
    [
        ({"train.lrr": {"low": 1, "high": 2}}, "train.lrr"),
        ({"prepare.margin": {"low": 2.0, "high": 3.0}}, "prepare.margin"),
        ({"train.teacher": {"choices": ["base"]}}, "train.teacher"),
        ({"train.lr": {"low": 0.1, "high": 0.01}}, "low is less"),
        ({"train.lr": {"low": 0.0, "high": 0.01, "log": True}}, "above 0"),
        ({"train.lr": {"low": -1.0, "high": 0.01}}, "lr"),
        ({"train.loss": {"low": 1.0, "high": 2.0}}, "needs choices"),
        ({"train.loss": {"choices": ["wing", "whing"]}}, "whing"),
        ({}, "space"),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_is(tmp_path, space, named):
    with pytest.raises(ConfigError, match=named):
        load_sweep(sweep_file(tmp_path, space=space), PARAMS)


@pytest.fixture
def small(tmp_path):
    """A sweep of three trials, and its folder."""
    pytest.importorskip("optuna", reason="needs the extra sweep")
    return load_sweep(sweep_file(tmp_path, trials=3, startup_trials=1), PARAMS), tmp_path / "study"


def test_processes_that_share_a_folder_try_so_many_trials_together(small):
    from pipelines.sweep.study import begin, end, open_study

    sweep, folder = small
    first, second = (open_study(sweep, folder, "inputs") for _ in range(2))
    one, two = begin(first, sweep, PARAMS, folder), begin(second, sweep, PARAMS, folder)
    assert one.trial.number != two.trial.number and one.values != two.values
    end(first, one, 5.0)
    three = begin(first, sweep, PARAMS, folder)
    assert begin(second, sweep, PARAMS, folder) is None
    end(second, two, 4.0)
    end(first, three, None)
    assert first.best_value == 4.0
    assert [trial.state.name for trial in second.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]


def test_a_trial_of_a_killed_process_is_tried_again_with_its_values_and_state(small):
    from pipelines.sweep.study import begin, end, open_study

    sweep, folder = small
    killed = begin(open_study(sweep, folder, "inputs"), sweep, PARAMS, folder)
    killed.trial.report(9.0, 1)
    killed.state.write_bytes(b"of its training")
    killed.lock.close()  # as the system does at the end of a process
    study = open_study(sweep, folder, "inputs")
    again = begin(study, sweep, PARAMS, folder)
    assert again.trial.number == 1 and again.values == killed.values
    assert again.state == killed.state and again.state.is_file()
    assert again.before.intermediate_values == {1: 9.0}
    end(study, again, 5.0)
    assert not again.state.exists()
    for _ in range(2):
        end(study, begin(study, sweep, PARAMS, folder), 6.0)
    assert begin(study, sweep, PARAMS, folder) is None  # the killed one does not count


def test_a_study_of_other_data_is_not_gone_on_with(small):
    from pipelines.sweep.study import open_study

    sweep, folder = small
    open_study(sweep, folder, "inputs")
    with pytest.raises(ConfigError, match="take another name"):
        open_study(sweep, folder, "other inputs")


def test_the_report_has_the_best_as_a_command_and_as_a_table(small, tmp_path):
    from pipelines.sweep.report import result_text, write_report
    from pipelines.sweep.study import begin, end, open_study

    sweep, folder = small
    study = open_study(sweep, folder, "inputs")
    scores = {}
    while begun := begin(study, sweep, PARAMS, folder):
        score = 1.0 + begun.trial.number
        begun.trial.report(score, 1)
        scores[score] = begun.values
        end(study, begun, score)
    files = write_report(study, PARAMS, scores[1.0], tmp_path / "report")
    assert all(file.stat().st_size for file in files)
    best = (tmp_path / "report/best.sh").read_text()
    assert best.startswith("dvc exp run -n quick-best -S train.lr=") and "augment.flip" in best
    diff = (tmp_path / "report/params_diff.md").read_text()
    assert f"| train.batch_size | 32 | {scores[1.0]['train.batch_size']} |" in diff
    told = result_text(study, PARAMS, scores[1.0])
    assert "Of 3 trials 0 were pruned" in told and diff in told and best.strip() in told
    with (tmp_path / "report/trials.csv").open(newline="") as file:
        assert [float(row["val_nme"]) for row in csv.DictReader(file)] == [1.0, 2.0, 3.0]


def test_without_optuna_the_command_says_how_to_install_it(tmp_path):
    (tmp_path / "optuna.py").write_text("raise ModuleNotFoundError(name='optuna')\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{PROJECT}"}
    command = [sys.executable, "-m", "pipelines.sweep"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("sweep: optuna is not installed; pip install")


def test_asked_for_help_the_command_tells_what_it_reads_and_begins_nothing(tmp_path):
    pytest.importorskip("optuna", reason="needs the extra sweep")
    command = [sys.executable, "-m", "pipelines.sweep", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "sweep.yaml says what is searched" in done.stderr and not list(tmp_path.iterdir())
