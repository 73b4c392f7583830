"""Batches of augmented faces."""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fkd.datasets.store import Face
from fkd.params import Train
from fkd.training.augment import augmented_crop


class TrainingFaces(Dataset[tuple[Tensor, Tensor]]):
    """Augmented crops of one epoch. What a face looks like depends on seed, epoch and place only,
    so neither the number of workers nor a restart changes it."""

    def __init__(self, faces: list[Face], train: Train, epoch: int) -> None:
        self.faces, self.train, self.epoch = faces, train, epoch

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        train, face = self.train, self.faces[index]
        rng = np.random.default_rng([train.seed, self.epoch, index])
        shift = train.label_shift.get(face.subset, 0.0)
        pixels, points = augmented_crop(face, train.crop, train.augment, rng, shift)
        return torch.from_numpy(pixels)[None], torch.from_numpy(points)


def repeated(faces: list[Face], repeat: dict[str, int]) -> list[Face]:
    """The faces, those of the named subsets several times."""
    return [face for face in faces for _ in range(repeat.get(face.subset, 1))]


def training_batches(faces: list[Face], train: Train, epoch: int) -> DataLoader:
    """Shuffled full batches of uint8 (B, 1, S, S) and float32 (B, 68, 2) crop pixels."""
    # Workers are forked, and OpenCV's thread pool does not survive that: a worker that meets the
    # parent's pool hangs. One worker is one thread anyway.
    cv2.setNumThreads(1)
    order = np.random.default_rng([train.seed, epoch]).permutation(len(faces)).tolist()
    return DataLoader(
        TrainingFaces(faces, train, epoch),
        batch_size=train.batch_size,
        sampler=order,
        drop_last=len(faces) >= train.batch_size,
        num_workers=train.workers,
        prefetch_factor=8 if train.workers else None,
    )
