"""The training loop. It knows faces, a network and numbers, not files of the pipeline or MLflow."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fkd.datasets.store import Face
from fkd.evaluate import validation_nme
from fkd.params import ParamsError, Train
from fkd.training.answers import torch_network
from fkd.training.dataset import repeated, training_batches
from fkd.training.losses import LOSSES, map_divergence
from fkd.training.models import MODELS, STRIDE
from fkd.training.schedule import OPTIMIZERS, SCHEDULES

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16}


class Diverged(RuntimeError):
    """The loss is not a number any more; the weights of the best epoch so far are attached."""

    def __init__(self, message: str, fitted: "Fitted | None") -> None:
        super().__init__(message)
        self.fitted = fitted


@dataclass(frozen=True)
class Epoch:
    """One epoch's record. val_nme in percent, lr of its last step, speed in faces a second."""

    epoch: int
    loss: float
    val_nme: float
    lr: float
    seconds: float
    speed: float


@dataclass(frozen=True)
class Fitted:
    """The weights of the epoch with the best validation score, and all epochs' records."""

    weights: Mapping[str, Tensor]
    best: Epoch
    history: list[Epoch]


@dataclass(frozen=True)
class Watcher:
    """What the loop tells: after each batch (epoch, share of it done, loss), after each epoch."""

    on_batch: Callable[[int, float, float], None] = lambda epoch, share, loss: None
    on_epoch: Callable[[Epoch], None] = lambda epoch: None


def check_choices(params: Train) -> None:
    """Raises ParamsError when a choice by name is not one there is, or a number is senseless."""
    choices: dict[str, Mapping[str, Any]] = {
        "model": MODELS,
        "loss": LOSSES,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "precision": PRECISIONS,
    }
    for key, allowed in choices.items():
        if getattr(params, key) not in allowed:
            raise ParamsError(
                f"train.{key}: {getattr(params, key)!r} is not one of {', '.join(sorted(allowed))}"
            )
    for key in ("lr", "batch_size", "epochs"):
        if getattr(params, key) <= 0:
            raise ParamsError(f"train.{key}: must be positive")
    if params.crop.size <= 0 or params.crop.size % STRIDE:
        raise ParamsError(f"train.crop.size: {params.crop.size} is not a multiple of {STRIDE}")
    if params.crop.scale <= 0:
        raise ParamsError("train.crop.scale: must be positive")
    for key in ("threads", "workers", "patience", "seed"):
        if getattr(params, key) < 0:
            raise ParamsError(f"train.{key}: must not be negative")
    for key in ("warmup", "average"):
        if not 0 <= getattr(params, key) < 1:
            raise ParamsError(f"train.{key}: must be at least 0 and below 1")


def fit(
    train_faces: list[Face],
    val_faces: list[Face],
    params: Train,
    state: Path,
    inputs: str,
    watcher: Watcher = Watcher(),
) -> Fitted:
    """Train a network and return its best weights by validation NME.

    state: file that keeps the run after every epoch, so that a killed one goes on there and ends
    as an unbroken one would. inputs: fingerprint of data and parameters; a state of other inputs
    is ignored. Raises Diverged when the loss is not finite, ParamsError for an unknown choice.
    """
    check_choices(params)
    torch.manual_seed(params.seed)
    if params.threads:
        torch.set_num_threads(params.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    faces = repeated(train_faces, params.repeat)
    run = _Run(params, device, math.ceil(len(faces) / params.batch_size))
    run.resume(state, inputs)
    for epoch in range(len(run.history), params.epochs):
        if params.patience and epoch - run.best_epoch > params.patience:
            break
        started = time.monotonic()
        loss = run.train_epoch(faces, epoch, watcher.on_batch)
        trained = time.monotonic() - started
        val = validation_nme(val_faces, torch_network(run.tested()), params.crop)
        if not math.isfinite(val):
            fitted = run.fitted() if run.history else None
            raise Diverged(f"the validation score is {val} in epoch {epoch + 1}", fitted)
        speed = len(faces) / trained
        run.keep(Epoch(epoch, loss, val, run.lr, time.monotonic() - started, speed))
        run.save(state, inputs)
        watcher.on_epoch(run.history[-1])
    return run.fitted()


def _warmed_average(decay: float) -> Callable[..., None]:
    """A moving average that is short at first, so that it does not hang on to the random start."""

    def average(averaged: Any, current: Any, updates: Tensor | int) -> None:
        ramp = min(decay, (1 + int(updates)) / (10 + int(updates)))
        get_ema_multi_avg_fn(ramp)(averaged, current, updates)  # type: ignore[no-untyped-call]

    return average


class _Run:
    """The moving parts of one training: network, optimiser, averaged weights, history."""

    def __init__(self, params: Train, device: torch.device, batches: int) -> None:
        self.params, self.device, self.batches = params, device, batches
        net = MODELS[params.model](params.crop.size)
        self.net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = OPTIMIZERS[params.optimizer](
            self.net.parameters(), params.lr, params.weight_decay
        )
        self.averaged: AveragedModel | None = None
        if params.average:
            self.averaged = AveragedModel(
                self.net, multi_avg_fn=_warmed_average(params.average), use_buffers=True
            )
        self.lr = 0.0
        self.history: list[Epoch] = []
        self.best_epoch = 0
        self.best_weights: Mapping[str, Tensor] = {}

    def train_epoch(
        self, faces: list[Face], epoch: int, on_batch: Callable[[int, float, float], None]
    ) -> float:
        """One pass over the faces; the mean loss."""
        self.net.train()
        losses = []
        batches = training_batches(faces, self.params, epoch)
        for step, (pixels, points) in enumerate(batches):
            losses.append(self.step(pixels, points, epoch + step / self.batches))
            if not math.isfinite(losses[-1]):
                fitted = self.fitted() if self.history else None
                raise Diverged(f"the loss is {losses[-1]} in epoch {epoch + 1}", fitted)
            on_batch(epoch, (step + 1) / len(batches), losses[-1])
        return float(np.mean(losses))

    def step(self, pixels: Tensor, points: Tensor, epochs_done: float) -> float:
        """One update; the loss of its batch."""
        params = self.params
        factor = SCHEDULES[params.schedule](epochs_done / params.epochs, params.warmup)
        self.lr = params.lr * factor
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        pixels = pixels.to(self.device).float().contiguous(memory_format=torch.channels_last)
        points = points.to(self.device)
        precision = PRECISIONS[params.precision]
        with torch.autocast(self.device.type, precision, enabled=precision is not None):
            predicted = self.net(pixels)
        size = params.crop.size
        loss = LOSSES[params.loss](predicted.points / size, points / size)
        if params.heatmap_weight and predicted.maps is not None:
            loss = loss + params.heatmap_weight * map_divergence(predicted.maps, points, size)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.averaged:
            self.averaged.update_parameters(self.net)
        return float(loss.item())

    def tested(self) -> nn.Module:
        """The network that is validated and kept."""
        return (self.averaged.module if self.averaged else self.net).eval()

    def keep(self, record: Epoch) -> None:
        self.history.append(record)
        if record.val_nme <= min(epoch.val_nme for epoch in self.history):
            self.best_epoch = record.epoch
            weights = self.tested().state_dict()
            self.best_weights = {k: v.detach().cpu().clone() for k, v in weights.items()}

    def fitted(self) -> Fitted:
        return Fitted(self.best_weights, self.history[self.best_epoch], self.history)

    def save(self, path: Path, inputs: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "inputs": inputs,
                "net": self.net.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "averaged": self.averaged.state_dict() if self.averaged else None,
                "history": [dataclasses.asdict(epoch) for epoch in self.history],
                "best_weights": self.best_weights,
                "random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
            partial,
        )
        partial.replace(path)

    def resume(self, path: Path, inputs: str) -> None:
        """Go on from a state of the same inputs, if there is one."""
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["inputs"] != inputs:
            return
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.averaged:
            self.averaged.load_state_dict(state["averaged"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.best_epoch = min(self.history, key=lambda epoch: (epoch.val_nme, -epoch.epoch)).epoch
        self.best_weights = state["best_weights"]
        torch.set_rng_state(state["random"])
        if state["cuda_random"]:
            torch.cuda.set_rng_state_all(state["cuda_random"])
