"""A training for torchrun: `train_together.py STORE PARAMS RESULT [DIES]`; the process of rank 1
dies after epoch DIES, once."""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from fkd.datasets.store import load_faces
from fkd.training.loop import fit as loop
from fkd.training.loop.callbacks import Callbacks
from fkd.training.loop.world import world_of_torchrun
from fkd.training.params import TrainParams


def main(store: Path, params: Path, result: Path, dies: int = -1) -> None:
    died = result.with_suffix(".died")

    def die(record) -> None:
        if record.epoch == dies and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with world_of_torchrun() as here:
        if here.rank:
            loop.SILENT = Callbacks(on_epoch=die)
            loop.follow()
            return
        faces, train = load_faces(store), TrainParams(**json.loads(params.read_text()))
        state = result.with_suffix(".state.pt")
        done = loop.fit(faces[:14], faces[14:], train, state, "inputs")
        history = [(epoch.epoch, epoch.loss, epoch.val_nme) for epoch in done.history]
        torch.save({"weights": dict(done.weights), "history": history}, result)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *map(int, sys.argv[4:]))
