"""Training the detector, from heads and backgrounds to its averaged weights."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import Materials
from fkd.io.files import write_whole
from fkd.models.detector import STRIDES
from fkd.training.detector.assignment import assign
from fkd.training.detector.batches import Batch, Scenes, batches
from fkd.training.detector.initial import initial_detector
from fkd.training.detector.losses import detector_loss
from fkd.training.detector.network import Detector, cells, decode
from fkd.training.detector.params import DetectorParams
from fkd.training.detector.score import average_precision
from fkd.training.loop.callbacks import Diverged
from fkd.training.loop.schedule import onecycle
from fkd.training.loop.state import begin_or_resume
from fkd.training.serialization import serialized

LARGEST_GRADIENT = 10.0
# "Epochs" that no training reaches: of the validation's scenes, and of those that tell the averaged
# weights their batch norm's statistics.
VALIDATION, SETTLING = 1_000_000, 1_000_001
SETTLING_SCENES = 512


@dataclass(frozen=True)
class DetectorEpoch:
    """One epoch's record. epoch: from 0. loss: mean of its batches. val_ap: average precision on
    scenes of held-out heads, percent. seconds: of training."""

    epoch: int
    loss: float
    val_ap: float
    lr: float
    seconds: float


class DetectorTraining:
    """All that changes in one training: network, optimiser, averaged weights (EMA), history."""

    def __init__(
        self, net: Detector, params: DetectorParams, scenes: SceneParams, device: torch.device
    ) -> None:
        self.params, self.device = params, device
        self.net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), params.lr, weight_decay=params.weight_decay
        )
        average = get_ema_multi_avg_fn(params.ema_decay)  # type: ignore[no-untyped-call]
        self.ema = AveragedModel(self.net, multi_avg_fn=average)
        self.history: list[DetectorEpoch] = []
        maps = [(scenes.side // stride, stride) for stride in STRIDES]
        self.centres = torch.cat([cells(side, side, stride, device) for side, stride in maps])
        self.strides = torch.cat(
            [torch.full((side * side,), float(stride), device=device) for side, stride in maps]
        )

    def step(self, batch: Batch, progress: float) -> float:
        """One update, at a fraction of the whole training that is done; the loss of its batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.params.lr * onecycle(progress, self.params.warmup)
        pixels, faces, five, certain = (values.to(self.device) for values in batch)
        predicted = decode(self.net(pixels.float().contiguous(memory_format=torch.channels_last)))
        targets = assign(predicted, self.centres, self.strides, faces, certain)
        loss = detector_loss(predicted, targets, faces, five)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.ema.update_parameters(self.net)
        return float(loss.item())

    def weights(self) -> Mapping[str, Tensor]:
        """The averaged weights, on the CPU."""
        return {k: v.detach().cpu().clone() for k, v in self.ema.module.state_dict().items()}

    def save(self, path: Path, fingerprint: str) -> None:
        """Write the state whole or not at all."""
        state = {
            "fingerprint": fingerprint,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "history": [asdict(epoch) for epoch in self.history],
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
        self.ema.load_state_dict(state["ema"])
        self.history = [DetectorEpoch(**epoch) for epoch in state["history"]]


def fit_detector(
    train: Materials,
    val: Materials,
    scenes: SceneParams,
    params: DetectorParams,
    state: Path,
    fingerprint: str,
    on_epoch: Callable[[DetectorEpoch], None] = lambda epoch: None,
    on_batch: Callable[[int, float, float], None] = lambda epoch, fraction, loss: None,
) -> tuple[Mapping[str, Tensor], list[DetectorEpoch]]:
    """Train the detector; its averaged weights after the last epoch, and all epochs' records.

    state: file that keeps the training after every epoch, so that a killed one goes on there and
    ends as an unbroken one would. fingerprint: of all that it depends on; a state of another one
    is ignored, and one that cannot be read is set aside. on_batch: of the epoch from 0, the
    fraction of it that is done, and the batch's loss. Raises Diverged when the loss is not
    finite, OSError when the state cannot be written.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def begin() -> DetectorTraining:
        torch.manual_seed(params.seed)
        return DetectorTraining(initial_detector(params.init, settling), params, scenes, device)

    held_out = Scenes(val, scenes, params.val_scenes, (params.seed, VALIDATION))
    settling_scenes = min(SETTLING_SCENES, params.scenes_per_epoch)
    settling = Scenes(train, scenes, settling_scenes, (params.seed, SETTLING))
    training = begin_or_resume(begin, state, fingerprint)
    for epoch in range(len(training.history), params.epochs):
        started = time.monotonic()
        shown = Scenes(train, scenes, params.scenes_per_epoch, (params.seed, epoch))
        loss = _train_epoch(training, shown, epoch, on_batch)
        seconds = time.monotonic() - started
        # The average of the statistics of weights that move is not that of the average's weights:
        # with it the averaged network found next to nothing until the rate was low.
        update_bn(
            batches(settling, params.batch_size, params.num_workers), training.ema.module, device
        )
        ap = average_precision(training.ema.module, held_out, device)
        rate = training.optimizer.param_groups[0]["lr"]
        training.history.append(DetectorEpoch(epoch, loss, ap, rate, seconds))
        training.save(state, fingerprint)
        on_epoch(training.history[-1])
    return training.weights(), training.history


def _train_epoch(
    training: DetectorTraining,
    scenes: Scenes,
    epoch: int,
    on_batch: Callable[[int, float, float], None],
) -> float:
    """One pass over the scenes; the mean loss."""
    params, losses = training.params, []
    training.net.train()
    loader = batches(scenes, params.batch_size, params.num_workers)
    for step, batch in enumerate(loader):
        losses.append(training.step(batch, (epoch + step / len(loader)) / params.epochs))
        if not math.isfinite(losses[-1]):
            raise Diverged(f"the loss is {losses[-1]} in epoch {epoch + 1}", None)
        on_batch(epoch, (step + 1) / len(loader), losses[-1])
    return float(np.mean(losses))
