"""A checkpoint as one ONNX file."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from fkd.io.config import Section
from fkd.io.files import write_whole
from fkd.models.confidence import ConfidenceCalibration
from fkd.models.metadata import ModelInfo
from fkd.models.output import ModelOutput
from fkd.training.backend import ServedNetwork
from fkd.training.checkpoint import Checkpoint

OPSET = 20


class ExportParams(Section):
    """How far torch and the exported model may differ."""

    tolerance_px: Annotated[
        float,
        Field(gt=0, description="Largest difference of points and depth that passes, crop pixels."),
    ]
    tolerance_probability: Annotated[
        float,
        Field(
            gt=0,
            description="Largest difference of confidence, score and what is visible that passes.",
        ),
    ]
    tolerance_degrees: Annotated[
        float, Field(gt=0, description="Largest difference of the pose that passes, degrees.")
    ]


def export_onnx(
    checkpoint: Checkpoint, calibration: ConfidenceCalibration | None, info: ModelInfo, path: Path
) -> None:
    """Write a model that takes `image`, float32 (N, 1, S, S) grey 0..255, any N, and answers what
    `ServedNetwork` does, by the names of `ModelOutput`. One file, whole or not at all.
    """
    size = checkpoint.crop.size
    # A batch of one would be baked into the graph, so the example has two.
    example = torch.zeros(2, 1, size, size)
    served = ServedNetwork(checkpoint.build_network(), calibration).eval()
    with torch.inference_mode():
        answers = len(served(example))
    write_onnx(
        served,
        example,
        ModelOutput._fields[:answers],
        {0: torch.export.Dim("batch")},
        info.to_metadata(),
        path,
    )


def write_onnx(
    network: nn.Module,
    example: Tensor,
    outputs: Sequence[str],
    free_dimensions: Mapping[int, Any],
    metadata: Mapping[str, str],
    path: Path,
) -> None:
    """Write a network of one input, `image`, some of whose dimensions are free. One file, whole or
    not at all. Raises OSError."""
    import onnx

    with _quiet_exporter():
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["image"],
            output_names=outputs,
            dynamic_shapes=({**free_dimensions},),
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    clear_notes(model)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    write_whole(path, model.SerializeToString())


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns of things that are of no use to a user here."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        log.setLevel(level)


def clear_notes(model: Any) -> None:
    """Take out of an ONNX model what the exporter leaves and nothing reads: stack traces with local
    paths, which tensor came from which line, the signature of the graph in torch's words, and
    shapes that follow from those of inputs and weights."""
    graph = model.graph
    del graph.value_info[:]
    nodes = [*graph.node, *(node for function in model.functions for node in function.node)]
    for noted in (graph, *nodes, *graph.initializer, *graph.input, *graph.output):
        del noted.metadata_props[:]
