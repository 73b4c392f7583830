"""Batches of scenes, composed as they are needed."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fkd.datasets.scenes.compose import Scene, compose
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.scenes.store import Materials


class Batch(NamedTuple):
    """pixels: uint8 (B, 1, S, S). faces: float (B, F, 3), centre x, y and side, padded with zeros.
    five: float (B, F, 5, 2). certain: bool (B, F)."""

    pixels: Tensor
    faces: Tensor
    five: Tensor
    certain: Tensor


class Scenes(Dataset[Scene]):
    """The scenes of one epoch; each depends on seed, epoch and number alone."""

    def __init__(
        self,
        materials: Materials,
        params: SceneParams,
        count: int,
        seed: tuple[int, int],
    ) -> None:
        self.materials, self.params, self.count, self.seed = materials, params, count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Scene:
        rng = np.random.default_rng([*self.seed, index])
        return compose(rng, self.materials, self.params)


def batches(scenes: Scenes, batch_size: int, num_workers: int) -> DataLoader:
    """The scenes in their order, as batches."""
    cv2.setNumThreads(1)  # OpenCV's thread pool does not survive the fork of a worker
    return DataLoader(
        scenes,
        batch_size,
        num_workers=num_workers,
        prefetch_factor=4 if num_workers else None,
        collate_fn=collate,
    )


def collate(scenes: list[Scene]) -> Batch:
    """Some scenes as a batch."""
    most = max(1, *(len(scene.faces) for scene in scenes))
    faces = np.zeros((len(scenes), most, 3), np.float32)
    five = np.zeros((len(scenes), most, 5, 2), np.float32)
    certain = np.zeros((len(scenes), most), np.bool_)
    for i, scene in enumerate(scenes):
        count = len(scene.faces)
        faces[i, :count], five[i, :count] = scene.faces, scene.five
        certain[i, :count] = scene.certain
    pixels = np.stack([scene.grey[None] for scene in scenes])
    return Batch(*(torch.from_numpy(values) for values in (pixels, faces, five, certain)))
