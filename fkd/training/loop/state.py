"""What changes in a training, and the file that a killed one goes on from."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fkd.datasets.store import LabelledFace
from fkd.io.files import write_whole
from fkd.training.initial import initial_network
from fkd.training.loop.batches import Batch, training_batches
from fkd.training.loop.callbacks import BEFORE, Diverged, Epoch, TrainResult
from fkd.training.loop.schedule import OPTIMIZERS, SCHEDULES
from fkd.training.losses import LOSSES, heatmap_divergence, view_loss
from fkd.training.params import TrainParams
from fkd.training.serialization import serialized

log = logging.getLogger(__name__)

DTYPES = {"fp32": None, "bf16": torch.bfloat16}


class TrainingState:
    """All that changes in one training: network, optimiser, averaged weights (EMA), history."""

    def __init__(self, params: TrainParams, device: torch.device, batches: int) -> None:
        self.params, self.device, self.batches = params, device, batches
        net = initial_network(params)
        self.net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = OPTIMIZERS[params.optimizer](
            self.net.parameters(), params.lr, params.weight_decay
        )
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
        batches = training_batches(faces, shown, self.params, epoch)
        for step, batch in enumerate(batches):
            losses.append(self.step(batch, epoch + step / self.batches))
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

    def step(self, batch: Batch, epochs_done: float) -> float:
        """One update; the loss of its batch."""
        params = self.params
        factor = SCHEDULES[params.schedule](epochs_done / params.epochs, params.warmup)
        self.lr = params.lr * factor
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        pixels, points, *view = (values.to(self.device) for values in batch)
        pixels = pixels.float().contiguous(memory_format=torch.channels_last)
        dtype = DTYPES[params.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype is not None):
            predicted = self.net(pixels)
        size = params.crop.size
        loss = LOSSES[params.loss](predicted.points / size, points / size)
        if params.heatmap_weight and predicted.heatmaps is not None:
            loss = loss + params.heatmap_weight * heatmap_divergence(
                predicted.heatmaps, points, size
            )
        if params.view_weight and predicted.view is not None:
            loss = loss + params.view_weight * view_loss(predicted.view, *view)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.ema:
            self.ema.update_parameters(self.net)
        return float(loss.item())

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

    def resume(self, path: Path, fingerprint: str) -> None:
        """Go on from a state of the same fingerprint. Raises errors of many kinds for a damaged
        one, and is of no use afterwards."""
        state = torch.load(path, map_location="cpu", weights_only=True)
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

    def resume(self, path: Path, fingerprint: str) -> None: ...


T = TypeVar("T", bound=Resumable)


def begin_or_resume(begin: Callable[[], T], path: Path, fingerprint: str) -> T:
    """A training that begins, or goes on from its state; a damaged one is set aside and named."""
    training = begin()
    if not path.exists():
        return training
    try:
        training.resume(path, fingerprint)
    except Exception as error:  # torch.load and load_state_dict fail in many ways
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
