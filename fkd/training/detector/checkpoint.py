"""The torch side of a trained detector."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fkd.io.files import reason, write_whole
from fkd.training.checkpoint import CheckpointError
from fkd.training.detector.network import Detector
from fkd.training.serialization import serialized

SCHEMA = "detector 1"


@dataclass(frozen=True)
class DetectorCheckpoint:
    """A trained detector. provenance: texts that travel with it."""

    weights: Mapping[str, Tensor]
    provenance: dict[str, str]

    def build_network(self) -> Detector:
        """The network with its weights, in evaluation mode, on the CPU. Raises CheckpointError."""
        net = Detector()
        try:
            net.load_state_dict(self.weights)
        except RuntimeError:
            raise CheckpointError(
                "detector: a network of other layers than this version's"
            ) from None
        return net.eval()


def save_detector(checkpoint: DetectorCheckpoint, path: Path) -> None:
    """Write the file whole or not at all. Raises OSError."""
    stored = {
        "schema": SCHEMA,
        "weights": dict(checkpoint.weights),
        "provenance": checkpoint.provenance,
    }
    write_whole(path, serialized(stored))


def load_detector(path: Path) -> DetectorCheckpoint:
    """Read a checkpoint without running code from it. Raises CheckpointError."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        if stored["schema"] != SCHEMA:
            raise CheckpointError(f"{path}: a checkpoint of another kind or version of fkd")
        return DetectorCheckpoint(stored["weights"], stored["provenance"])
    except OSError as error:
        raise CheckpointError(f"{path}: {reason(error)}") from None
    except CheckpointError:
        raise
    except Exception as error:  # torch.load fails in many ways on a foreign file
        kind = type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint of a detector ({kind})") from None
