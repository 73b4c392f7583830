"""The network that a training starts from: random weights, or those of a trained model."""

from torch import nn

from fkd.io.config import ConfigError
from fkd.models.metadata import ModelError
from fkd.models.zoo import find_model
from fkd.training.networks import NETWORKS, TRAINABLE, Pyramid
from fkd.training.onnx_weights import load_onnx_network
from fkd.training.params import TrainParams


def initial_network(params: TrainParams) -> nn.Module:
    """The network of `train.network`, with the weights of `train.init` where that names a model.

    Raises ConfigError when that cannot be used, or is of another network or crop, or when nothing
    of the network is to learn.
    """
    fresh = NETWORKS[params.network](params.crop.size)
    net = _trained(params, fresh) if params.init else fresh
    if not TRAINABLE[params.trainable](net):
        raise ConfigError(f"train.trainable: {params.network} has no {params.trainable}; give all")
    return net


def _trained(params: TrainParams, fresh: nn.Module) -> nn.Module:
    """The network of `train.init`, with the head of a fresh one where it has none."""
    try:
        net, _, info = load_onnx_network(find_model(params.init))
    except ModelError as error:
        raise ConfigError(f"train.init: {error}") from None
    if info.network != params.network:
        raise ConfigError(f"train.init: {params.init} needs train.network={info.network}")
    for key, value in vars(info.crop).items():
        if value != getattr(params.crop, key):
            raise ConfigError(f"train.init: {params.init} needs train.crop.{key}={value}")
    if isinstance(net, Pyramid) and isinstance(fresh, Pyramid):
        net.view = net.view or fresh.view
    return net
