"""An exported model as a network of torch again: the ONNX file is the one artefact of a model."""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from fkd.models.confidence import ConfidenceCalibration, Logistic
from fkd.models.metadata import ModelError, ModelInfo
from fkd.models.session import open_onnx
from fkd.training.networks import NETWORKS, Pyramid

# How the exporter calls what it writes: a module's parameters by their names in ServedNetwork, and
# the bias that is left of a batch norm by the name of the convolution before it.
PREFIX, FOLDED = "net.", "{}.weight_bias"
# A parameter that the network uses transposed is stored so, by the name of that operation.
TRANSPOSED = {"view.local": "permute"}


def load_onnx_network(path: Path) -> tuple[nn.Module, ConfidenceCalibration | None, ModelInfo]:
    """The network of an exported model in evaluation mode, with what its confidence means.

    Export has folded each batch norm into its convolution; here it is the identity with a bias.
    Raises ModelError when the file is no model of this project, or of a network of other layers.
    """
    _, info = open_onnx(path)
    if info.network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise ModelError(f"{path}: network {info.network!r} is not one of {known}")
    graph = onnx.load(path).graph
    stored = initializers(graph)
    net = NETWORKS[info.network](info.crop.size)
    if isinstance(net, Pyramid) and not any(name.startswith(f"{PREFIX}view") for name in stored):
        net.view = None
    try:
        net.load_state_dict(unfolded_state(net, stored, PREFIX))
        calibration = _calibration(graph, stored, info.min_score)
    except (KeyError, RuntimeError) as error:
        fault = str(error).split("\n")[0]
        raise ModelError(
            f"{path}: its layers are not those of network {info.network} ({fault})"
        ) from None
    return net.eval(), calibration, info


def initializers(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """A graph's stored tensors by name."""
    return {
        value.name: torch.from_numpy(onnx.numpy_helper.to_array(value).copy())
        for value in graph.initializer
    }


def unfolded_state(net: nn.Module, stored: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """A state of the network from an export's initialisers, its batch norms the identity with a
    bias. prefix: of their names. Raises KeyError for one that lacks."""
    for name, operation in TRANSPOSED.items():
        if operation in stored:
            stored[f"{prefix}{name}"] = stored[operation].T
    state: dict[str, Tensor] = {}
    convolution = ""
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            identity = nn.BatchNorm2d(module.num_features).state_dict()
            identity["running_var"] -= module.eps  # so that its square root is 1
            identity["bias"] = stored[prefix + FOLDED.format(convolution)]
            state |= {f"{name}.{key}": value for key, value in identity.items()}
        else:
            convolution = name
            for key, _ in module.named_parameters(recurse=False):
                state[f"{name}.{key}"] = stored[f"{prefix}{name}.{key}"]
    return state


def _calibration(
    graph: onnx.GraphProto, stored: dict[str, Tensor], min_score: float | None
) -> ConfidenceCalibration | None:
    """The logistic functions at the end of the graph; None for a model without confidence."""
    if min_score is None:
        return None
    by_output = {output: node for node in graph.node for output in node.output}

    def logistic(output: str) -> Logistic:
        """Sigmoid((middle - x) / width), as ServedNetwork computes it."""
        division = by_output[by_output[output].input[0]]
        middle, _ = by_output[division.input[0]].input
        return Logistic(*(float(np.float32(stored[name])) for name in (middle, division.input[1])))

    return ConfidenceCalibration(logistic("confidence"), logistic("score"), min_score)
