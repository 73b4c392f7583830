"""Training a network, from faces to its best weights."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import validation_nme
from fkd.training.backend import torch_model
from fkd.training.loop.batches import oversampled
from fkd.training.loop.callbacks import SILENT, Callbacks, Diverged, Epoch, TrainResult
from fkd.training.loop.state import TrainingState, begin_or_resume
from fkd.training.params import TrainParams


def fit(
    train_faces: Sequence[LabelledFace],
    val_faces: Sequence[LabelledFace],
    params: TrainParams,
    state: Path,
    fingerprint: str,
    callbacks: Callbacks = SILENT,
) -> TrainResult:
    """Train a network and return its best weights by validation NME.

    state: file that keeps the run after every epoch, so that a killed one goes on there and ends
    as an unbroken one would. fingerprint: of data, parameters and code; a state of another one is
    ignored, and one that cannot be read is set aside. Raises Diverged when the loss is not finite,
    OSError when the state cannot be written.
    """
    if params.intra_op_threads:
        torch.set_num_threads(params.intra_op_threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shown = oversampled(train_faces, params.oversampling, params.min_faces_per_epoch)

    def begin() -> TrainingState:
        torch.manual_seed(params.seed)
        return TrainingState(params, device, math.ceil(len(shown) / params.batch_size))

    def validate() -> float:
        model = torch_model(training.eval_model())
        return validation_nme(val_faces, model, params.crop.spec())

    training = begin_or_resume(begin, state, fingerprint)
    if params.init and not training.before:
        training.record_before(validate())
    for epoch in range(len(training.history), params.epochs):
        if params.patience and epoch - training.best_epoch > params.patience:
            break
        started = time.monotonic()
        loss = training.train_epoch(train_faces, shown, epoch, callbacks.on_batch)
        trained = time.monotonic() - started
        val = validate()
        if not math.isfinite(val):
            raise Diverged(f"the validation score is {val} in epoch {epoch + 1}", training.result())
        speed = len(shown) / trained
        training.record_epoch(
            Epoch(epoch, loss, val, training.lr, time.monotonic() - started, speed)
        )
        training.save(state, fingerprint)
        callbacks.on_epoch(training.history[-1])
    result = training.result()
    assert result is not None  # train.epochs is at least 1
    return result
