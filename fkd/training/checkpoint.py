"""The torch side of a trained model: weights and everything that is needed to feed them."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fkd.geometry.crop import CropSpec
from fkd.io.files import reason, write_whole
from fkd.models.confidence import ConfidenceCalibration, calibration_from
from fkd.training.networks import NETWORKS
from fkd.training.serialization import serialized

SCHEMA = 2
CALIBRATION = "confidence.json"  # beside the checkpoint


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this project; the message names it."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained network. network: its name in NETWORKS. provenance: texts that travel with it."""

    network: str
    crop: CropSpec
    weights: Mapping[str, Tensor]
    provenance: dict[str, str]

    def build_network(self) -> nn.Module:
        """The network with its weights, in evaluation mode, on the CPU. Raises CheckpointError."""
        try:
            net = NETWORKS[self.network](self.crop.size)
            net.load_state_dict(self.weights)
        except (KeyError, RuntimeError):
            raise CheckpointError(
                f"{self.network}: not a network of this version of fkd, or of other layers"
            ) from None
        return net.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file whole or not at all. Raises OSError."""
    stored = {
        "schema": SCHEMA,
        "network": checkpoint.network,
        "crop": dataclasses.asdict(checkpoint.crop),
        "weights": dict(checkpoint.weights),
        "provenance": checkpoint.provenance,
    }
    write_whole(path, serialized(stored))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint without running code from it. Raises CheckpointError."""
    stored = read_stored(path, SCHEMA)
    try:
        return Checkpoint(**{**stored, "crop": CropSpec(**stored["crop"])})
    except Exception as error:  # a foreign file holds anything
        raise CheckpointError(f"{path}: not a checkpoint of fkd ({type(error).__name__})") from None


def read_stored(path: Path, schema: int | str) -> dict[str, Any]:
    """What a checkpoint of this schema holds besides it, read without running code from it. Raises
    CheckpointError."""
    try:
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        of_file = stored.pop("schema")
    except OSError as error:
        raise CheckpointError(f"{path}: {reason(error)}") from None
    except Exception as error:  # torch.load fails in many ways on a foreign file
        raise CheckpointError(f"{path}: not a checkpoint of fkd ({type(error).__name__})") from None
    if of_file != schema:
        raise CheckpointError(f"{path}: a checkpoint of another kind or version of fkd")
    return stored


def save_calibration(calibration: ConfidenceCalibration | None, checkpoint: Path) -> None:
    """Write what a checkpoint's confidence and score mean, in a file beside it."""
    stored = dataclasses.asdict(calibration) if calibration else None
    text = json.dumps(stored, indent=2) + "\n"
    write_whole(checkpoint.with_name(CALIBRATION), text.encode())


def load_calibration(checkpoint: Path) -> ConfidenceCalibration | None:
    """What stands beside a checkpoint; None where nothing does, or for a network without heatmaps.

    Raises CheckpointError for a damaged file.
    """
    path = checkpoint.with_name(CALIBRATION)
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text())
        return calibration_from(stored) if stored else None
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a calibration of fkd ({error})") from None
