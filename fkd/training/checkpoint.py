"""The torch side of a trained model: weights and everything that is needed to feed them."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fkd.certainty import Certainty, certainty_from
from fkd.preprocess import CropSpec
from fkd.training.models import MODELS

SCHEMA = 1
CERTAINTY = "certainty.json"  # beside the checkpoint


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this project; the message names it."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained network. model: its name in MODELS. about: texts that travel with it."""

    model: str
    crop: CropSpec
    weights: Mapping[str, Tensor]
    about: dict[str, str]

    def network(self) -> nn.Module:
        """The network with its weights, in evaluation mode, on the CPU. Raises CheckpointError."""
        try:
            net = MODELS[self.model](self.crop.size)
            net.load_state_dict(self.weights)
        except (KeyError, RuntimeError):
            raise CheckpointError(
                f"{self.model}: not a network of this version of fkd, or of other layers"
            ) from None
        return net.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"schema": SCHEMA, **_fields(checkpoint)}, partial)
    partial.replace(path)


def _fields(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model": checkpoint.model,
        "crop": dataclasses.asdict(checkpoint.crop),
        "weights": dict(checkpoint.weights),
        "about": checkpoint.about,
    }


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint without running code from it. Raises CheckpointError."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        if stored.pop("schema") != SCHEMA:
            raise CheckpointError(f"{path}: a checkpoint of another version of fkd")
        return Checkpoint(**{**stored, "crop": CropSpec(**stored["crop"])})
    except OSError as error:
        raise CheckpointError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except CheckpointError:
        raise
    except Exception as error:  # torch.load fails in many ways on a foreign file
        raise CheckpointError(f"{path}: not a checkpoint of fkd ({type(error).__name__})") from None


def save_certainty(certainty: Certainty | None, checkpoint: Path) -> None:
    """Write what a checkpoint's confidence and score mean, in a file beside it."""
    stored = dataclasses.asdict(certainty) if certainty else None
    checkpoint.with_name(CERTAINTY).write_text(json.dumps(stored, indent=2) + "\n")


def load_certainty(checkpoint: Path) -> Certainty | None:
    """What stands beside a checkpoint; None where nothing does, or for a network without maps.

    Raises CheckpointError for a damaged file.
    """
    path = checkpoint.with_name(CERTAINTY)
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text())
        return certainty_from(stored) if stored else None
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a calibration of fkd ({error})") from None
