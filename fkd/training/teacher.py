"""A trained model whose answers a smaller one learns beside the labels."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from fkd.model_info import ModelError, find_model
from fkd.onnx_model import open_onnx
from fkd.params import ParamsError
from fkd.preprocess import CropSpec

# uint8 (B, 1, S, S) crops -> float32 (B, 68, 2), pixels of these crops.
Teacher = Callable[[Tensor], Tensor]


def open_teacher(model: str, crop: CropSpec) -> Teacher:
    """A model as a teacher for crops of this kind; its own may be of another size.

    Raises ParamsError when it cannot be used or cuts faces in another way.
    """
    try:
        network, info = open_onnx(find_model(model))
    except ModelError as error:
        raise ParamsError(f"train.teacher: {error}") from None
    if (info.crop.scale, info.crop.shift_y) != (crop.scale, crop.shift_y):
        raise ParamsError(
            f"train.teacher: {model} cuts faces by scale {info.crop.scale} and shift_y "
            f"{info.crop.shift_y}, which train.crop must then do too"
        )
    theirs = info.crop.size

    def answer(pixels: Tensor) -> Tensor:
        seen = F.interpolate(pixels.float(), (theirs, theirs), mode="bilinear").round().byte()
        points = torch.from_numpy(network(seen.numpy()).points)
        return (points + 0.5) * (crop.size / theirs) - 0.5

    return answer
