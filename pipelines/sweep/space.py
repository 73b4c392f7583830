"""sweep.yaml: what a sweep tries, and a trial's values as parameters of training."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import Field, model_validator

from fkd.io.config import ConfigError, Section, flatten, read_yaml, validated
from fkd.training.params import TrainParams

SECTION = "train."
# What these decide is done once, before the first trial.
FIXED = ("train.teacher", "train.engine", "train.world_size")


class Dimension(Section):
    """One key: a range from low to high, tried on a logarithmic scale where `log`; or choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: list[Any] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log or not self.choices:
                raise ValueError("choices stand alone, and are at least one")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("needs choices, or low and high, of which low is less")
        elif self.log and self.low <= 0:
            raise ValueError("a logarithmic range lies above 0")
        return self


class Pruning(Section):
    """Successive halving: one of `reduction_factor` trials goes on after min_epochs epochs, one of
    those after reduction_factor times as many, and so on."""

    min_epochs: int = Field(ge=1)
    reduction_factor: int = Field(ge=2)


class Sweep(Section):
    """name: of the study, and of its folder below `folder`. trials: how many are tried, together by
    all processes. startup_trials: of which so many at random. seed: of what is tried."""

    name: str = Field(pattern=r"^[\w-]+$")
    folder: str
    trials: int = Field(ge=1)
    startup_trials: int = Field(ge=1)
    seed: int = Field(ge=0)
    pruning: Pruning
    space: dict[str, Dimension] = Field(min_length=1)


class Trial(Protocol):
    """What Optuna suggests values with."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any: ...


def load_sweep(path: Path, params: Mapping[str, Any]) -> Sweep:
    """The sweep, each of whose ends and choices is checked against params.yaml. Raises ConfigError
    that names the key at fault."""
    sweep = validated(Sweep, read_yaml(path), path.name)
    known = flatten(dict(params))
    for key, dimension in sweep.space.items():
        if not key.startswith(SECTION) or key not in known or key in FIXED:
            raise ConfigError(f"{path.name}: space: {key!r} is not a key of train that can vary")
        kind = type(known[key])
        if dimension.choices is None and kind not in (int, float):
            raise ConfigError(f"{path.name}: space: {key} is no number, and needs choices")
        for value in dimension.choices or [kind(dimension.low), kind(dimension.high)]:
            train_params(params, {key: value}, f"{path.name}: space")
    return sweep


def suggested(sweep: Sweep, params: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """A trial's value for each key; floats with three digits, as a person would write them."""
    known = flatten(dict(params))
    values: dict[str, Any] = {}
    for key, of in sweep.space.items():
        if of.choices is not None:
            values[key] = trial.suggest_categorical(key, of.choices)
            continue
        assert of.low is not None and of.high is not None
        if isinstance(known[key], int):
            values[key] = trial.suggest_int(key, int(of.low), int(of.high), log=of.log)
        else:
            values[key] = float(f"{trial.suggest_float(key, of.low, of.high, log=of.log):.3g}")
    return values


def changed(params: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """params.yaml's values with some keys, named by dots, changed."""
    new = copy.deepcopy(dict(params))
    for key, value in values.items():
        *place, last = key.split(".")
        inner = new
        for name in place:
            inner = inner[name]
        inner[last] = value
    return new


def train_params(
    params: Mapping[str, Any], values: Mapping[str, Any], name: str = "sweep"
) -> TrainParams:
    """The parameters of training with a trial's values. Raises ConfigError."""
    return validated(TrainParams, changed(params, values)["train"], f"{name}: train")
