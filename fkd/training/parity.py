"""Comparing a checkpoint with an exported model, file against file."""

from pathlib import Path

from fkd.datasets.store import load_faces
from fkd.evaluate import crops
from fkd.model_info import ModelError
from fkd.onnx_model import open_onnx
from fkd.training.answers import torch_network
from fkd.training.checkpoint import CheckpointError, load_certainty, load_checkpoint
from fkd.training.export import parity


def compare_files(checkpoint: Path, model: Path, faces: Path, count: int) -> dict[str, float]:
    """The largest difference by batch size, crop pixels, on the first prepared faces of a folder.

    Raises ModelError when a file cannot be used, OSError when there are no prepared faces.
    """
    try:
        loaded = load_checkpoint(checkpoint)
        net = loaded.network()
    except CheckpointError as error:
        raise ModelError(str(error)) from None
    network, info = open_onnx(model)
    if info.crop != loaded.crop:
        raise ModelError(f"{model}: its crops are not those of {checkpoint}")
    members = load_faces(faces)[:count]
    if not members:
        raise ModelError(f"{faces}: holds no prepared faces to compare on")
    pixels = crops(members, [face.box for face in members], info.crop)
    return parity(torch_network(net, load_certainty(checkpoint)), network, pixels)
