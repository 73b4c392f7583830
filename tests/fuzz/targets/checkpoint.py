"""Checkpoints, which are pickles: read without running what is in them."""

import io
import os
import pickle

import torch

from fkd.geometry.crop import CropSpec
from fkd.training.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from fuzz.files import temporary_file
from fuzz.memory import memory_below
from fuzz.mutate_zip import mutate_zip as mutate

__all__ = ["check", "mutate", "seeds"]

MEGABYTES = 600


class Hostile:
    """Its pickle ends the process that runs it."""

    def __reduce__(self):
        return os._exit, (66,)


def seeds() -> list[bytes]:
    """A whole checkpoint, a hostile one, and a hostile pickle that is no archive."""
    small = Checkpoint("nano", CropSpec(16, 1.0, 0.0), {"weight": torch.zeros(2)}, {"run": "a"})
    with temporary_file(b"", "a.pt") as path:
        save_checkpoint(small, path)
        whole = path.read_bytes()
    hostile = io.BytesIO()
    torch.save({"schema": 2, "weights": Hostile()}, hostile)
    return [whole, hostile.getvalue(), pickle.dumps(Hostile())]


def check(data: bytes) -> None:
    """A checkpoint comes out, or CheckpointError of one line; so it is with its network."""
    try:
        with temporary_file(data, "a.pt") as path, memory_below(MEGABYTES):
            load_checkpoint(path).build_network()
    except CheckpointError as error:
        assert "\n" not in str(error), error
