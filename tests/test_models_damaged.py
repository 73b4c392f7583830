"""Model files that are damaged or made to do harm: refused in one sentence when they are opened."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fkd import Predictor
from fkd.geometry.crop import CropSpec
from fkd.models import session
from fkd.models.metadata import ModelError, ModelInfo, from_metadata
from fkd.models.output import ModelOutput, checked
from fkd.models.session import open_onnx

SIZE = 16
GOOD = ModelInfo(CropSpec(SIZE), "small", {"code_licence": "MIT"}, {}).to_metadata()
SHAPES = {"points": ["n", 68, 2], "confidence": ["n", 68], "score": ["n"]}


def constant(name: str, values: object, kind: type = np.float32) -> onnx.NodeProto:
    tensor = numpy_helper.from_array(np.array(values, kind), name)
    return helper.make_node("Constant", [], [name], value=tensor)


def answering(points: float = 5.0, score: float = 0.5) -> list[onnx.NodeProto]:
    """A graph that answers each crop with 68 equal points and one probability."""
    nodes = [
        constant("axes", [1, 2, 3], np.int64),
        constant("zero", 0.0),
        helper.make_node("ReduceSum", ["image", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        constant("a score", score),
        helper.make_node("Add", ["nothing", "a score"], ["score"]),
    ]
    for name, value, shape in (("points", points, [1, 68, 2]), ("confidence", score, [1, 68])):
        nodes += [
            constant(f"some {name}", np.full(shape, value)),
            constant(f"ones of {name}", [-1] + [1] * (len(shape) - 1), np.int64),
            helper.make_node("Reshape", ["nothing", f"ones of {name}"], [f"zeros of {name}"]),
            helper.make_node("Add", [f"zeros of {name}", f"some {name}"], [name]),
        ]
    return nodes


def looping() -> list[onnx.NodeProto]:
    """A graph that turns in a loop for ever before it answers."""
    kinds = {"turn": TensorProto.INT64, "go on": TensorProto.BOOL, "value": TensorProto.FLOAT}
    kinds |= {"still on": TensorProto.BOOL, "next value": TensorProto.FLOAT}
    told = {name: helper.make_tensor_value_info(name, kind, []) for name, kind in kinds.items()}
    inputs, outputs = list(told.values())[:3], list(told.values())[3:]
    steps = [
        helper.make_node("Identity", ["go on"], ["still on"]),
        helper.make_node("Identity", ["value"], ["next value"]),
    ]
    body = helper.make_graph(steps, "body", inputs, outputs)
    rest = [node for node in answering() if node.output[0] != "a score"]
    loop = helper.make_node("Loop", ["", "true", "start"], ["a score"], body=body)
    return [constant("true", True, np.bool_), constant("start", 0.5), loop, *rest]


def saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    metadata: dict[str, str] | None = None,
    image: tuple[int, list] = (TensorProto.FLOAT, ["n", 1, SIZE, SIZE]),
    outputs: tuple[str, ...] = tuple(SHAPES),
) -> Path:
    inputs = [helper.make_tensor_value_info("image", *image)]
    told = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPES[name]) for name in outputs
    ]
    graph = helper.make_graph(nodes, "g", inputs, told)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    helper.set_model_props(model, GOOD if metadata is None else metadata)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_sound_model_is_opened_and_answers_in_any_batch(tmp_path):
    model, info = open_onnx(saved(tmp_path / "m.onnx", answering()))
    assert info.crop.size == SIZE
    for count in (1, 5):
        answer = model(np.zeros((count, 1, SIZE, SIZE), np.uint8))
        assert answer.points.shape == (count, 68, 2) and (answer.points == 5).all()
        np.testing.assert_array_equal(answer.score, np.full(count, 0.5, np.float32))


FLOAT, BYTES = TensorProto.FLOAT, TensorProto.UINT8


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": (FLOAT, ["n", 1, 8, 8])}, "its input is not any number of crops of 1x16x16"),
        ({"image": (FLOAT, [4, 1, SIZE, SIZE])}, "its input is not any number of crops of 1x16x16"),
        (
            {"image": (FLOAT, ["n", 3, SIZE, SIZE])},
            "its input is not any number of crops of 1x16x16",
        ),
        ({"outputs": ("score", "points")}, "its outputs are not points, or points, confidence"),
        ({"outputs": ("points", "score")}, "its outputs are not points, or points, confidence"),
        ({"nodes": answering(points=np.nan)}, "its points are not all numbers from -160 to 160"),
        ({"nodes": answering(points=1e30)}, "its points are not all numbers from -160 to 160"),
        ({"nodes": answering(score=np.nan)}, "its confidence are not all numbers from 0 to 1"),
        ({"nodes": answering(score=1.5)}, "its confidence are not all numbers from 0 to 1"),
    ],
)
def test_another_interface_or_answer_is_refused_when_the_model_is_opened(
    change, sentence, tmp_path
):
    path = saved(tmp_path / "m.onnx", **{"nodes": answering(), **change})
    with pytest.raises(ModelError, match=rf"^{re.escape(f'{path}: {sentence}')}"):
        open_onnx(path)


def test_an_input_of_another_type_is_refused(tmp_path):
    cast = helper.make_node("Cast", ["image"], ["floats"], to=FLOAT)
    nodes = answering()
    nodes[2].input[0] = "floats"
    path = saved(tmp_path / "m.onnx", [cast, *nodes], image=(BYTES, ["n", 1, SIZE, SIZE]))
    with pytest.raises(ModelError, match=r"m\.onnx: one input of floats is expected$"):
        open_onnx(path)


def test_outputs_of_another_shape_than_was_told_are_refused(tmp_path):
    nodes = answering()
    nodes[0] = constant("axes", [2, 3], np.int64)  # score then has the shape (n, 1)
    path = saved(tmp_path / "m.onnx", nodes)
    with pytest.raises(ModelError, match=r"m\.onnx: (its score have|a trial failed)"):
        open_onnx(path)


def test_a_graph_that_loops_for_ever_is_stopped(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(session, "TRIAL_SECONDS", 0.3)
    path = saved(tmp_path / "m.onnx", looping())
    with pytest.raises(ModelError, match=r"m\.onnx: a trial took more than 0\.3 seconds$"):
        open_onnx(path)
    assert capfd.readouterr().err == ""


def test_metadata_that_is_no_utf8_is_refused(tmp_path):
    path = saved(tmp_path / "m.onnx", answering())
    data = path.read_bytes()
    assert data.count(b"small") == 1
    path.write_bytes(data.replace(b"small", b"sm\xff\xfel"))
    with pytest.raises(ModelError, match=r"m\.onnx: its metadata is not UTF-8$"):
        open_onnx(path)


@pytest.mark.parametrize(
    "change",
    [
        {"crop": '{"size": "16"}'},
        {"crop": '{"size": true}'},
        {"crop": '{"size": 1000000}'},
        {"crop": '{"size": 16, "scale": NaN}'},
        {"crop": '{"size": 16, "scale": 0}'},
        {"crop": '{"size": 16, "shift_y": [1]}'},
        {"crop": "[16]"},
        {"provenance": '["MIT"]'},
        {"provenance": '{"run": 5}'},
        {"scores": '{"300w": 5}'},
        {"scores": '{"300w": {"annotation": {"nme": NaN}}}'},
        {"scores": '{"300w": {"annotation": {"nme": "good"}}}'},
        {"scores": "[" * 100_000},
        {"min_score": '"high"'},
        {"min_score": "NaN"},
        {"min_score": "2"},
    ],
)
def test_metadata_of_other_types_are_refused(change):
    with pytest.raises(ModelError, match=r"^m\.onnx: its metadata is damaged \(.*\)$") as refused:
        from_metadata({**GOOD, **change}, "m.onnx")
    assert len(str(refused.value)) < 250


def test_texts_of_the_metadata_hold_nothing_that_a_terminal_obeys():
    evil = "MIT\x1b[2J\nfkd: all is well\r\x9b31m"
    change = {
        "network": evil,
        "provenance": json.dumps({"weights_licence": evil, evil: "x"}),
        "scores": json.dumps({evil: {evil: {"nme": 1, "faces": 2, "failure_rate": 3}}}),
    }
    told = from_metadata({**GOOD, **change}, "m.onnx")
    text = f"{told.network}{told.licence_notice}{told.provenance}{told.scores}"
    assert not re.search("[\x00-\x1f\x7f-\x9f]", text) and "all is well" in text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number_never_becomes_a_face(value, astronaut):
    """Though the trial's was one."""
    predictor = Predictor()
    sound = predictor.pipeline.model

    def unsound(pixels: np.ndarray) -> ModelOutput:
        answer = sound(pixels)
        answer.points[0, 3, 1] = value
        return answer

    model = checked(unsound, "m.onnx")
    predictor.pipeline = dataclasses.replace(predictor.pipeline, model=model)
    with pytest.raises(ModelError, match=r"^m\.onnx: its points are not all numbers"):
        predictor(astronaut)
