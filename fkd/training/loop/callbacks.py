"""What the loop tells while it runs, and what comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

# The "epoch" whose weights a training started from.
BEFORE = -1


@dataclass(frozen=True)
class Epoch:
    """One epoch's record. epoch: from 0, or BEFORE. loss: mean of its batches. val_nme: percent.
    lr: of its last step. seconds: with validation. faces_per_second: of training alone.
    """

    epoch: int
    loss: float
    val_nme: float
    lr: float
    seconds: float
    faces_per_second: float


@dataclass(frozen=True)
class TrainResult:
    """The weights of the epoch with the best validation score, and all epochs' records."""

    weights: Mapping[str, Tensor]
    best: Epoch
    history: list[Epoch]


class Diverged(RuntimeError):
    """The loss is not a number any more; the result of the epochs before is attached."""

    def __init__(self, message: str, result: TrainResult | None) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
class Callbacks:
    """Called after each batch (epoch, fraction of it that is done, loss) and after each epoch."""

    on_batch: Callable[[int, float, float], None] = lambda epoch, fraction, loss: None
    on_epoch: Callable[[Epoch], None] = lambda epoch: None


SILENT = Callbacks()
