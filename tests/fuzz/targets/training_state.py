"""The state that a killed training goes on from."""

import io
from functools import cache
from pathlib import Path

import torch
from torch import nn

from fkd.io.config import load_section
from fkd.training.loop.callbacks import Epoch
from fkd.training.loop.state import TrainingState, begin_or_resume
from fkd.training.networks import NETWORKS
from fkd.training.params import TrainParams
from fuzz.files import temporary_file
from fuzz.memory import memory_below
from fuzz.mutate_zip import mutate_zip as mutate
from fuzz.targets.checkpoint import Hostile

__all__ = ["check", "mutate", "seeds"]

PROJECT = Path(__file__).parents[3]
FINGERPRINT, MEGABYTES = "same", 600

NETWORKS["one_weight"] = lambda size: nn.Linear(1, 1)


@cache
def _params() -> TrainParams:
    params = load_section(TrainParams, PROJECT / "params.yaml", "train")
    return params.model_copy(update={"network": "one_weight"})


def _begin() -> TrainingState:
    return TrainingState(_params(), torch.device("cpu"), 1)


def seeds() -> list[bytes]:
    """A state after one epoch, and a hostile one."""
    state = _begin()
    state.record_epoch(Epoch(0, 1.0, 1.0, 0.1, 1.0, 1.0))
    with temporary_file(b"", "state.pt") as path:
        state.save(path, FINGERPRINT)
        whole = path.read_bytes()
    hostile = io.BytesIO()
    torch.save({"fingerprint": FINGERPRINT, "net": Hostile()}, hostile)
    return [whole, hostile.getvalue()]


def check(data: bytes) -> None:
    """A training that can go on and has a result comes out, of the state or of none."""
    with temporary_file(data, "state.pt") as path, memory_below(MEGABYTES):
        training = begin_or_resume(_begin, path, FINGERPRINT)
    if training.history:
        nn.Linear(1, 1).load_state_dict(training.result().weights)
