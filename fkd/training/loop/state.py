"""What changes in a training, and the file that a killed one goes on from."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fkd.datasets.store import LabelledFace
from fkd.io.files import write_whole
from fkd.training.initial import initial_network
from fkd.training.loop.batches import Batch, training_batches
from fkd.training.loop.callbacks import BEFORE, Diverged, Epoch, TrainResult
from fkd.training.loop.objective import Objective
from fkd.training.loop.schedule import OPTIMIZERS, SCHEDULES
from fkd.training.loop.world import from_first, mean, world
from fkd.training.networks import TRAINABLE, memory_format
from fkd.training.params import TrainParams
from fkd.training.serialization import serialized

log = logging.getLogger(__name__)


class TrainingState:
    """All that changes in one training: network, optimiser, averaged weights (EMA), history."""

    def __init__(self, params: TrainParams, device: torch.device, batches: int) -> None:
        self.params, self.device, self.batches = params, device, batches
        net = initial_network(params)
        self.net = net.to(device, memory_format=memory_format(net))  # type: ignore[call-overload]
        learning = TRAINABLE[params.trainable](self.net)
        self.net.requires_grad_(False)
        for parameter in learning:
            parameter.requires_grad_(True)
        self.objective: nn.Module = Objective(self.net, params)
        if world().size > 1:
            # A batch without synthetic faces does not reach the weights that tell the view.
            self.objective = DistributedDataParallel(self.objective, find_unused_parameters=True)
        self.optimizer = OPTIMIZERS[params.optimizer](learning, params.lr, params.weight_decay)
        self.ema: AveragedModel | None = None
        if params.ema_decay:
            self.ema = AveragedModel(
                self.net, multi_avg_fn=_warmed_ema(params.ema_decay), use_buffers=True
            )
        self.lr = 0.0
        self.history: list[Epoch] = []
        self.before: Epoch | None = None
        self.best_epoch = 0
        self.best_weights: Mapping[str, Tensor] = {}

    def train_epoch(
        self,
        faces: Sequence[LabelledFace],
        shown: NDArray[np.int64],
        epoch: int,
        on_batch: Callable[[int, float, float], None],
    ) -> float:
        """One pass over the faces, as often as they are shown (`oversampled`); the mean loss."""
        self._to_training_mode()
        losses = []
        batches = training_batches(faces, shown, self.params, epoch, world())
        for step, batch in enumerate(batches):
            together = min(self.params.batch_size, len(shown))
            losses.append(self.step(batch, epoch + step / self.batches, together))
            if not math.isfinite(losses[-1]):
                raise Diverged(f"the loss is {losses[-1]} in epoch {epoch + 1}", self.result())
            on_batch(epoch, (step + 1) / len(batches), losses[-1])
        return float(np.mean(losses))

    def _to_training_mode(self) -> None:
        """The few photos of a fine-tuning tell batch norm less than what it knows."""
        self.net.train()
        for module in self.net.modules():
            if self.params.init and isinstance(module, nn.BatchNorm2d):
                module.eval()

    def step(self, batch: Batch, epochs_done: float, together: int) -> float:
        """One update; the loss of its batch.

        batch: this process's share of it. together: how many faces all shares have; a gradient is
        the mean over the processes, so that of a larger share weighs more.
        """
        params = self.params
        factor = SCHEDULES[params.schedule](epochs_done / params.epochs, params.warmup)
        self.lr = params.lr * factor
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        loss = self.objective(*(values.to(self.device) for values in batch))
        loss = loss * (len(batch.pixels) * world().size / together)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.ema:
            self.ema.update_parameters(self.net)
        return mean(float(loss.item()), self.device)

    def eval_model(self) -> nn.Module:
        """The network that is validated and kept."""
        return (self.ema.module if self.ema else self.net).eval()

    def record_before(self, val_nme: float) -> None:
        """Take the weights that the training starts from for the best ones."""
        self.before = Epoch(BEFORE, 0.0, val_nme, 0.0, 0.0, 0.0)
        self._keep_weights(BEFORE)

    def record_epoch(self, record: Epoch) -> None:
        """Add an epoch to the history, and keep its weights when it is the best; of a training
        that goes on from others, the last that is not worse than they were, because its few
        validation faces tell no more.
        """
        self.history.append(record)
        best = self.before.val_nme if self.before else min(e.val_nme for e in self.history)
        if record.val_nme <= best:
            self._keep_weights(record.epoch)

    def _keep_weights(self, epoch: int) -> None:
        self.best_epoch = epoch
        weights = self.eval_model().state_dict()
        self.best_weights = {k: v.detach().cpu().clone() for k, v in weights.items()}

    def _scored(self) -> list[Epoch]:
        return [self.before, *self.history] if self.before else self.history

    def result(self) -> TrainResult | None:
        """The best weights so far, None before any were scored."""
        for epoch in self._scored():
            if epoch.epoch == self.best_epoch:
                return TrainResult(self.best_weights, epoch, self.history)
        return None

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the state whole or not at all."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        state = {
            "fingerprint": fingerprint,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "before": dataclasses.asdict(self.before) if self.before else None,
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
            "random": torch.get_rng_state(),
            "cuda_random": cuda,
        }
        write_whole(path, serialized(state))

    def resume(self, file: BinaryIO, fingerprint: str) -> None:
        """Go on from a state of the same fingerprint. Raises errors of many kinds for a damaged
        one, and is of no use afterwards."""
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["fingerprint"] != fingerprint:
            return
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.before = Epoch(**state["before"]) if state["before"] else None
        self.best_epoch = state["best_epoch"]
        self.best_weights = state["best_weights"]
        torch.set_rng_state(state["random"])
        if state["cuda_random"]:
            torch.cuda.set_rng_state_all(state["cuda_random"])


class Resumable(Protocol):
    """A training that can go on from a file."""

    def resume(self, file: BinaryIO, fingerprint: str) -> None: ...


T = TypeVar("T", bound=Resumable)


def begin_or_resume(begin: Callable[[], T], path: Path, fingerprint: str) -> T:
    """A training that begins, or goes on from its state; a damaged one is set aside and named."""
    training = begin()
    state = from_first(lambda: path.read_bytes() if path.exists() else None)
    if state is None:
        return training
    try:
        training.resume(BytesIO(state), fingerprint)
    except Exception as error:  # torch.load and load_state_dict fail in many ways
        if world().rank:
            return begin()
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        log.warning(
            "%s cannot be read (%s); it is set aside as %s, and the training begins anew",
            path,
            type(error).__name__,
            aside,
        )
        return begin()
    return training


def _warmed_ema(decay: float) -> Callable[..., None]:
    """A moving average that is short at first, so that it does not hang on to the random start."""

    def average(averaged: Any, current: Any, updates: Tensor | int) -> None:
        ramp = min(decay, (1 + int(updates)) / (10 + int(updates)))
        get_ema_multi_avg_fn(ramp)(averaged, current, updates)  # type: ignore[no-untyped-call]

    return average
