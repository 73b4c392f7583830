"""Detector files: a sound one answers maps, and every other one is refused in one sentence."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fkd.models.detector import CHANNELS, OUTPUTS, STRIDES, DetectorInfo, open_detector
from fkd.models.metadata import ModelError

INFO = DetectorInfo({"run": "7", "weights_licence": "MIT"}, {"scenes": {"recall": 91.5}}, 0.25)
METADATA = INFO.to_metadata()
FLOAT, BYTES = TensorProto.FLOAT, TensorProto.UINT8
FREE = [1, 1, "height", "width"]


def saved(
    path: Path,
    metadata: dict[str, str] = METADATA,
    strides: tuple[int, ...] = STRIDES,
    outputs: tuple[str, ...] = OUTPUTS,
    channels: int = CHANNELS,
    weight: float = 1.0,
    bias: float = 0.0,
    inputs: tuple[tuple[str, int, list], ...] = (("image", FLOAT, FREE),),
) -> Path:
    """A file whose map of a stride has in channel c of a cell c + bias, and in channel 0 besides
    the mean of the cell's pixels times `weight`."""
    nodes, constants = [], []
    for name, stride in zip(OUTPUTS, strides, strict=True):
        kernel = np.zeros((channels, 1, stride, stride), np.float32)
        kernel[0] = weight / stride**2
        constants += [
            numpy_helper.from_array(kernel, f"{name} kernel"),
            numpy_helper.from_array(np.arange(channels, dtype=np.float32) + bias, f"{name} bias"),
        ]
        feeds = ["image", f"{name} kernel", f"{name} bias"]
        nodes.append(helper.make_node("Conv", feeds, [name], strides=[stride] * 2))
    told = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    taken = [helper.make_tensor_value_info(*one) for one in inputs]
    graph = helper.make_graph(nodes, "g", taken, told, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


def refused(path: Path) -> str:
    """Why a file is refused, after its name."""
    with pytest.raises(ModelError) as error:
        open_detector(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize("size", [(32, 32), (64, 128), (160, 96)])
def test_a_sound_file_answers_a_map_of_every_stride_for_any_picture(size, tmp_path):
    network, info = open_detector(saved(tmp_path / "d.onnx"))
    grey = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    assert info == INFO
    for maps, stride in zip(network(grey), STRIDES, strict=True):
        height, width = size[0] // stride, size[1] // stride
        means = grey.reshape(height, stride, width, stride).mean(axis=(1, 3))
        assert maps.dtype == np.float32 and maps.shape == (14, height, width)
        np.testing.assert_allclose(maps[0], means, rtol=1e-5)
        assert (maps[1:] == np.arange(1, 14)[:, None, None]).all()


@pytest.mark.parametrize("schema", [None, "0", "2"])
def test_a_file_of_another_schema_is_refused(schema, tmp_path):
    metadata = {key: text for key, text in METADATA.items() if key != "fkd_detector_schema"}
    if schema is not None:
        metadata["fkd_detector_schema"] = schema
    said = refused(saved(tmp_path / "d.onnx", metadata))
    assert said == "not a face detector of this version of fkd"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("provenance", "MIT"),
        ("provenance", '["MIT"]'),
        ("provenance", '{"run": 7}'),
        ("scores", "5"),
        ("scores", '{"scenes": 5}'),
        ("scores", '{"scenes": {"recall": NaN}}'),
        ("scores", '{"scenes": {"recall": "high"}}'),
        pytest.param("scores", "[" * 100_000, id="scores-deep"),
        ("min_score", '"high"'),
        ("min_score", "true"),
        ("min_score", "null"),
        ("min_score", "NaN"),
        ("min_score", "-0.1"),
        ("min_score", "0"),
        ("min_score", "1"),
    ],
)
def test_damaged_metadata_are_refused(key, text, tmp_path):
    assert refused(saved(tmp_path / "d.onnx", {**METADATA, key: text})) == "its metadata is damaged"


@pytest.mark.parametrize("key", ["provenance", "scores", "min_score"])
def test_metadata_that_are_missing_are_refused(key, tmp_path):
    metadata = {name: text for name, text in METADATA.items() if name != key}
    assert refused(saved(tmp_path / "d.onnx", metadata)) == "its metadata is damaged"


@pytest.mark.parametrize("score", [1e-6, 0.5, 0.999])
def test_a_min_score_between_0_and_1_is_read_as_it_was_written(score, tmp_path):
    path = saved(tmp_path / "d.onnx", {**METADATA, "min_score": json.dumps(score)})
    assert open_detector(path)[1].min_score == score


def test_texts_of_the_metadata_hold_nothing_that_a_terminal_obeys(tmp_path):
    evil = "MIT\x1b[2J\nfkd: all is well\r\x9b31m"
    change = {
        "provenance": json.dumps({"run": evil, evil: "x"}),
        "scores": json.dumps({evil: {evil: 1.0}}),
    }
    _, info = open_detector(saved(tmp_path / "d.onnx", {**METADATA, **change}))
    told = "".join([*info.provenance, *info.provenance.values(), *info.scores])
    told += "".join(key for figures in info.scores.values() for key in figures)
    assert not re.search("[\x00-\x1f\x7f-\x9f]", told) and told.count("all is well") == 4


INTERFACE = "not one input of floats and the outputs stride8, stride16, stride32"
SIZES = "its input is not one grey picture of any height and width"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"outputs": OUTPUTS[:2]}, INTERFACE),
        ({"outputs": OUTPUTS[::-1]}, INTERFACE),
        ({"inputs": (("image", FLOAT, FREE), ("other", FLOAT, FREE))}, INTERFACE),
        ({"inputs": (("image", FLOAT, [1, 1, 64, 128]),)}, SIZES),
        ({"inputs": (("image", FLOAT, [1, 1, "height", 128]),)}, SIZES),
        ({"inputs": (("image", FLOAT, [1, 3, "height", "width"]),)}, SIZES),
        ({"channels": 13}, "a map has the shape (1, 13, 8, 16) instead of (1, 14, 8, 16)"),
        ({"strides": (8, 8, 32)}, "a map has the shape (1, 14, 8, 16) instead of (1, 14, 4, 8)"),
        ({"bias": np.nan}, "a map holds numbers that are not finite"),
        ({"bias": -np.inf}, "a map holds numbers that are not finite"),
    ],
)
def test_another_interface_or_answer_is_refused_when_the_file_is_opened(change, sentence, tmp_path):
    assert refused(saved(tmp_path / "d.onnx", **change)) == sentence


def test_an_input_of_bytes_is_refused(tmp_path):
    path = saved(tmp_path / "d.onnx")
    model = onnx.load(path)
    for node in model.graph.node:
        node.input[0] = "floats"
    model.graph.node.insert(0, helper.make_node("Cast", ["image"], ["floats"], to=FLOAT))
    model.graph.input[0].type.tensor_type.elem_type = BYTES
    path.write_bytes(model.SerializeToString())
    assert refused(path) == INTERFACE


def test_a_map_that_is_finite_for_the_trial_alone_never_becomes_faces(tmp_path):
    path = saved(tmp_path / "d.onnx", weight=3e38)
    network, _ = open_detector(path)
    network(np.zeros((32, 32), np.uint8))
    with pytest.raises(ModelError, match=r"d\.onnx: a map holds numbers that are not finite$"):
        network(np.full((32, 32), 255, np.uint8))


@pytest.mark.parametrize("data", [None, b"", b"no model"])
def test_what_is_no_model_is_refused(data, tmp_path):
    path = tmp_path / "d.onnx"
    if data is not None:
        path.write_bytes(data)
    assert refused(path).startswith("not an ONNX model that can be run (")


def test_a_detector_is_opened_where_torch_is_not_installed(tmp_path):
    path = saved(tmp_path / "d.onnx")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np; from pathlib import Path\n"
        "from fkd.models.detector import open_detector\n"
        f"network, info = open_detector(Path({str(path)!r}))\n"
        "print(info.min_score, [maps.shape for maps in network(np.zeros((32, 64), np.uint8))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0.25 [(14, 4, 8), (14, 2, 4), (14, 1, 2)]"
