"""Learning rate schedules as pure functions, and the optimisers by name."""

import math
from collections.abc import Callable, Iterable

import torch
from torch.nn import Parameter


def constant(progress: float, warmup: float) -> float:
    """The full rate throughout, after a linear warm-up."""
    return min(1.0, progress / warmup) if warmup else 1.0


def onecycle(progress: float, warmup: float) -> float:
    """Cosine from 1/25 up to 1 during the warm-up, then cosine down to 0 (Smith & Topin, 2018)."""
    if progress < warmup:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warmup)) / 2
    return (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def linear(progress: float, warmup: float) -> float:
    """Linear up during the warm-up, then linear down to 0."""
    return progress / warmup if progress < warmup else (1 - progress) / (1 - warmup)


# progress in [0, 1) and the fraction of it that is warm-up -> factor on the learning rate
SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "constant": constant,
    "onecycle": onecycle,
    "linear": linear,
}

Optimizers = Callable[[Iterable[Parameter], float, float], torch.optim.Optimizer]


def _adam(weights: Iterable[Parameter], lr: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(weights, lr=lr, weight_decay=decay)


def _adamw(weights: Iterable[Parameter], lr: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(weights, lr=lr, weight_decay=decay)


def _sgd(weights: Iterable[Parameter], lr: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(weights, lr=lr, momentum=0.9, nesterov=True, weight_decay=decay)


OPTIMIZERS: dict[str, Optimizers] = {"adam": _adam, "adamw": _adamw, "sgd": _sgd}
