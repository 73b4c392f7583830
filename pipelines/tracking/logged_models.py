"""A model as MLflow keeps it: the network with its tensors, and the model that takes photos."""

import base64
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
CODE, EXAMPLE = (Path(__file__).with_name(name) for name in ("photo_model.py", "example.jpg"))
# What finds faces; the rest of `fkd` trains, and brings torch.
PARTS = ("__init__.py", "landmarks.py", "geometry", "io", "models", "detection", "inference")
NEEDED = ("mlflow", "numpy", "onnxruntime", "opencv-python-headless", "pandas", "pillow")
OTHER_NETWORKS = ("base.onnx", "nano.onnx", "research.onnx", "cards", "__pycache__")


def log_network(onnx_file: Path, name: str, registered: str | None = None) -> Any:
    """Log a network, which takes and gives tensors, to the active run; MLflow's answer."""
    import mlflow
    import onnx
    from mlflow.models import ModelSignature

    proto = onnx.load(onnx_file)  # a fresh one: logging changes what it is given
    return mlflow.onnx.log_model(
        proto,
        name=name,
        signature=ModelSignature(*(_tensors(of) for of in (proto.graph.input, proto.graph.output))),
        registered_model_name=registered,
        pip_requirements=_pins("onnxruntime", "numpy"),
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )


def log_photo_model(onnx_file: Path, name: str, registered: str) -> Any:
    """Log the model that takes photos and gives faces to the active run, and register it; MLflow's
    answer. It holds the network, the code that finds faces with it, and which packages that
    needs: whoever loads it needs no `fkd`."""
    import mlflow
    import pandas as pd

    photo = base64.b64encode(EXAMPLE.read_bytes()).decode()
    with tempfile.TemporaryDirectory() as folder:
        network = shutil.copy(onnx_file, Path(folder) / "model.onnx")
        return mlflow.pyfunc.log_model(
            name=name,
            python_model=str(CODE),
            artifacts={"network": str(network)},
            code_paths=[str(_copied_code(Path(folder) / "fkd"))],
            signature=photo_signature(),
            input_example=pd.DataFrame({"image": [photo]}),
            pip_requirements=_pins(*NEEDED),
            registered_model_name=registered,
        )


def photo_signature() -> Any:
    """What the model of photos takes and gives, as MLflow writes it down."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array, Object, Property

    number, whole, points = DataType.double, DataType.long, Array(Array(DataType.double))
    pose = Object([Property(angle, number) for angle in ("yaw", "pitch", "roll")])
    each = Array(number)
    face = Object(
        [
            Property("box", Array(whole)),
            Property("roll", number),
            Property("points", points),
            *(Property("score", number, required=False), Property("pose", pose, required=False)),
            *(Property(name, each, required=False) for name in ("confidence", "visible", "depth")),
        ]
    )
    columns: list[Any] = [ColSpec(AnyType(), "image")]
    rows: list[Any] = [
        *(ColSpec(whole, "width", required=False), ColSpec(whole, "height", required=False)),
        *(ColSpec(Array(face), "faces"), ColSpec(DataType.string, "error", required=False)),
    ]
    return ModelSignature(Schema(columns), Schema(rows))


def _copied_code(folder: Path) -> Path:
    """The parts of `fkd` that find faces, in a folder of their own, with the face detector."""
    for part in PARTS:
        source, copy = PROJECT / "fkd" / part, folder / part
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*OTHER_NETWORKS))
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    return folder


def _pins(*packages: str) -> list[str]:
    """The versions that are installed here, with which the model was compared."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in packages]


def _tensors(values: Any) -> Any:
    """The tensors of a graph's inputs or outputs, with -1 where a length is free."""
    import numpy as np
    from mlflow.types import Schema, TensorSpec

    return Schema([TensorSpec(np.dtype(np.float32), _shape(value), value.name) for value in values])


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim)
