"""Batches of augmented faces."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fkd.datasets.store import LabelledFace, subsets_of
from fkd.landmarks import COUNT
from fkd.training.augment import augmented_crop
from fkd.training.loop.world import ALONE, World
from fkd.training.params import TrainParams

# A photo is not shown more often in an epoch. In 30 epochs of 62 repeats, 16 photos were learned by
# heart: the score of others was best after a third of that.
MOST_REPEATS = 20
UNKNOWN = np.full(COUNT, np.nan)


class Batch(NamedTuple):
    """pixels: uint8 (B, 1, S, S). points: float32 (B, 68, 2), crop pixels. visible: float32
    (B, 68), 0 or 1. depth: float32 (B, 68), crop pixels. pose: float32 (B, 3), degrees. Of a photo
    the last three are not known, and NaN."""

    pixels: Tensor
    points: Tensor
    visible: Tensor
    depth: Tensor
    pose: Tensor


class TrainingFaces(Dataset[Batch]):
    """Augmented crops of one epoch. What a face looks like depends on seed, epoch and place only,
    so neither the number of workers nor a restart changes it."""

    def __init__(
        self,
        faces: Sequence[LabelledFace],
        shown: NDArray[np.int64],
        train: TrainParams,
        epoch: int,
    ) -> None:
        """shown: which face stands at each place of the epoch, as of `oversampled`."""
        self.faces, self.shown, self.train, self.epoch = faces, shown, train, epoch

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, place: int) -> Batch:
        train, face = self.train, self.faces[int(self.shown[place])]
        rng = np.random.default_rng([train.seed, self.epoch, place])
        offset = train.label_offset_px.get(face.subset, 0.0)
        crop = augmented_crop(face, train.crop.spec(), train.augment, rng, offset)
        truth = crop.truth
        visible, depth, pose = (
            (truth.visible, truth.depth, truth.pose) if truth else (UNKNOWN, UNKNOWN, UNKNOWN[:3])
        )
        return Batch(
            torch.from_numpy(crop.pixels)[None],
            torch.from_numpy(crop.points),
            *(torch.as_tensor(np.asarray(values, np.float32)) for values in (visible, depth, pose)),
        )


def oversampled(
    faces: Sequence[LabelledFace], times: dict[str, int], at_least: int = 0
) -> NDArray[np.int64]:
    """Which face an epoch shows at each place before it is shuffled: all of them, those of the
    named subsets so many times; all of them again and again, at most MOST_REPEATS times, where that
    makes fewer than `at_least`."""
    each = [times.get(subset, 1) for subset in subsets_of(faces)]
    once = np.repeat(np.arange(len(faces)), each)
    return np.tile(once, min(MOST_REPEATS, max(1, math.ceil(at_least / len(once)))))


def batch_places(count: int, train: TrainParams, epoch: int) -> list[list[int]]:
    """Which of so many places of an epoch are in each of its batches, all shuffled; full batches,
    or one where there are fewer places. Seed and epoch decide it, and nothing else."""
    order = np.random.default_rng([train.seed, epoch]).permutation(count).tolist()
    size = min(train.batch_size, count)
    return [order[start : start + size] for start in range(0, count - size + 1, size)]


def training_batches(
    faces: Sequence[LabelledFace],
    shown: NDArray[np.int64],
    train: TrainParams,
    epoch: int,
    here: World = ALONE,
) -> DataLoader:
    """The batches of an epoch: `Batch`. shown: as of `oversampled`. here: the process whose share
    of each batch it is, every size-th of its faces."""
    # Workers are forked, and OpenCV's thread pool does not survive that: a worker that meets the
    # parent's pool hangs. One worker is one thread anyway.
    cv2.setNumThreads(1)
    return DataLoader(
        TrainingFaces(faces, shown, train, epoch),
        batch_sampler=[
            batch[here.rank :: here.size] for batch in batch_places(len(shown), train, epoch)
        ],
        num_workers=train.num_workers,
        prefetch_factor=8 if train.num_workers else None,
    )
