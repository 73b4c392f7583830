"""The network that a training starts from: random weights, or those of a trained model."""

from torch import nn

from fkd.io.config import ConfigError
from fkd.models.metadata import ModelError
from fkd.models.zoo import find_model
from fkd.training.networks import NETWORKS
from fkd.training.onnx_weights import load_onnx_network
from fkd.training.params import TrainParams


def initial_network(params: TrainParams) -> nn.Module:
    """The network of `train.network`, with the weights of `train.init` where that names a model.

    Raises ConfigError when that cannot be used, or is of another network or crop.
    """
    if not params.init:
        return NETWORKS[params.network](params.crop.size)
    try:
        net, _, info = load_onnx_network(find_model(params.init))
    except ModelError as error:
        raise ConfigError(f"train.init: {error}") from None
    if info.network != params.network:
        raise ConfigError(f"train.init: {params.init} needs train.network={info.network}")
    for key, value in vars(info.crop).items():
        if value != getattr(params.crop, key):
            raise ConfigError(f"train.init: {params.init} needs train.crop.{key}={value}")
    return net
