"""The torch side of a trained detector."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fkd.io.files import write_whole
from fkd.training.checkpoint import CheckpointError, read_stored
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
        except (RuntimeError, TypeError):
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
    stored = read_stored(path, SCHEMA)
    try:
        return DetectorCheckpoint(**stored)
    except TypeError:
        raise CheckpointError(f"{path}: not a checkpoint of a detector") from None
