"""ONNX files, as `--model` opens them."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from fkd.geometry.crop import CropSpec
from fkd.models.metadata import ModelError, ModelInfo
from fkd.models.session import open_model
from fuzz.files import temporary_file
from fuzz.memory import memory_below
from fuzz.mutate_protobuf import mutate_protobuf as mutate

__all__ = ["check", "mutate", "seeds"]

SIZE, MEGABYTES = 16, 600


def seeds() -> list[bytes]:
    """The smallest model there is."""
    return [small_model()]


def small_model() -> bytes:
    """A model that answers a multiple of the crop's mean for each point."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["crops"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["all"]),
        helper.make_node("Reshape", ["all", "shape"], ["points"]),
    ]
    weights = np.linspace(0, 1, 136, dtype=np.float32).reshape(1, 136)
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("points", TensorProto.FLOAT, ["n", 68, 2])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([-1, 68, 2]), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    info = ModelInfo(CropSpec(SIZE, 1.0, 0.0), "small", {"code_licence": "MIT"}, {})
    helper.set_model_props(model, info.to_metadata())
    return model.SerializeToString()


def check(data: bytes) -> None:
    """A model comes out whose answer to crops is of the right shape, or ModelError of one line."""
    try:
        with temporary_file(data, "small.onnx") as path, memory_below(MEGABYTES):
            model, info = open_model(path, threads=1)
            answer = model(np.zeros((2, 1, info.crop.size, info.crop.size), np.uint8))
    except ModelError as error:
        assert "\n" not in str(error), error
        return
    assert answer.points.shape == (2, 68, 2), answer.points.shape
