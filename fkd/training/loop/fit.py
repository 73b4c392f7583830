"""Training a network, from faces to its best weights."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import validation_nme
from fkd.io.config import ConfigError
from fkd.training.backend import torch_model
from fkd.training.loop.batches import oversampled
from fkd.training.loop.callbacks import SILENT, Callbacks, Diverged, Epoch, TrainResult
from fkd.training.loop.state import TrainingState, begin_or_resume
from fkd.training.loop.world import from_first, world
from fkd.training.params import TrainParams


class Task(NamedTuple):
    """What `fit` is given, which the first process tells the others."""

    train_faces: Sequence[LabelledFace]
    val_faces: Sequence[LabelledFace]
    params: TrainParams
    state: Path
    fingerprint: str


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
    OSError when the state cannot be written, ConfigError for parameters that do not fit.

    Of processes that train together the first calls this, and the others `follow` it.
    """
    task = Task(train_faces, val_faces, params, state, fingerprint)
    return _fit(from_first(lambda: task), callbacks)


def follow() -> None:
    """Train together with the process that calls `fit`; what comes out is there."""
    _fit(from_first(_unknown), SILENT)


def _unknown() -> Task:
    raise AssertionError("only a process that others train with follows one")


def _fit(task: Task, callbacks: Callbacks) -> TrainResult:
    train_faces, val_faces, params, state, fingerprint = task
    here = world()
    if params.intra_op_threads:
        torch.set_num_threads(params.intra_op_threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shown = oversampled(train_faces, params.oversampling, params.min_faces_per_epoch)
    if min(len(shown), params.batch_size) < here.size:
        raise ConfigError(f"train.batch_size: {here.size} processes need as many faces in a batch")

    def begin() -> TrainingState:
        torch.manual_seed(params.seed)
        return TrainingState(params, device, math.ceil(len(shown) / params.batch_size))

    def score() -> float:
        model = torch_model(training.eval_model())
        return validation_nme(val_faces, model, params.crop.spec())

    def validate() -> float:
        return from_first(score)

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
        if here.rank == 0:
            training.save(state, fingerprint)
        callbacks.on_epoch(training.history[-1])
    result = training.result()
    assert result is not None  # train.epochs is at least 1
    return result
