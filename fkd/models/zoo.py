"""The packaged models by name."""

import os
from pathlib import Path

from fkd.models.metadata import ModelError
from fkd.models.registered import fetch, is_registered

WEIGHTS = Path(__file__).parent / "weights"
PACKAGED = {name: WEIGHTS / f"{name}.onnx" for name in ("base", "nano", "research")}
DEFAULT = "base"
# The face detector, which takes no crops.
DETECTOR = WEIGHTS / "detector.onnx"


def find_model(model: str | Path | None) -> Path:
    """The file of a packaged model's name, of a path, of a version of a registry
    ("models:/fkd@champion"), or of the default. Raises ModelError."""
    if is_registered(model):
        return fetch(str(model))
    path = PACKAGED.get(str(model or DEFAULT)) or Path(str(model))
    if not os.path.isfile(path):  # unlike Path.is_file, False for a name that no file can have
        names = ", ".join(PACKAGED)
        raise ModelError(
            f"{model or DEFAULT}: no such model; give {names}, the path of a "
            "file, or models:/NAME@ALIAS of a registry"
        )
    return path
