"""Training a network, from faces to its best weights."""

import math
import time
from pathlib import Path

import torch

from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import validation_nme
from fkd.training.backend import torch_model
from fkd.training.loop.batches import oversampled
from fkd.training.loop.callbacks import SILENT, Callbacks, Diverged, Epoch, TrainResult
from fkd.training.loop.state import TrainingState
from fkd.training.params import TrainParams


def fit(
    train_faces: list[LabelledFace],
    val_faces: list[LabelledFace],
    params: TrainParams,
    state: Path,
    fingerprint: str,
    callbacks: Callbacks = SILENT,
) -> TrainResult:
    """Train a network and return its best weights by validation NME.

    state: file that keeps the run after every epoch, so that a killed one goes on there and ends
    as an unbroken one would. fingerprint: of data, parameters and code; a state of another one is
    ignored. Raises Diverged when the loss is not finite.
    """
    torch.manual_seed(params.seed)
    if params.intra_op_threads:
        torch.set_num_threads(params.intra_op_threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    faces = oversampled(train_faces, params.oversampling)
    training = TrainingState(params, device, math.ceil(len(faces) / params.batch_size))
    training.resume(state, fingerprint)
    for epoch in range(len(training.history), params.epochs):
        if params.patience and epoch - training.best_epoch > params.patience:
            break
        started = time.monotonic()
        loss = training.train_epoch(faces, epoch, callbacks.on_batch)
        trained = time.monotonic() - started
        val = validation_nme(val_faces, torch_model(training.eval_model()), params.crop.spec())
        if not math.isfinite(val):
            result = training.result() if training.history else None
            raise Diverged(f"the validation score is {val} in epoch {epoch + 1}", result)
        speed = len(faces) / trained
        training.record_epoch(
            Epoch(epoch, loss, val, training.lr, time.monotonic() - started, speed)
        )
        training.save(state, fingerprint)
        callbacks.on_epoch(training.history[-1])
    return training.result()
