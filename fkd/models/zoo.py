"""The packaged models by name."""

import os
from pathlib import Path

from fkd.models.metadata import ModelError

WEIGHTS = Path(__file__).parent / "weights"
PACKAGED = {name: WEIGHTS / f"{name}.onnx" for name in ("base", "nano", "research")}
DEFAULT = "base"
# The face detector, which takes no crops.
DETECTOR = WEIGHTS / "detector.onnx"


def find_model(model: str | Path | None) -> Path:
    """The file of a packaged model's name, of a path, or of the default. Raises ModelError."""
    path = PACKAGED.get(str(model or DEFAULT)) or Path(str(model))
    if not os.path.isfile(path):  # unlike Path.is_file, False for a name that no file can have
        names = ", ".join(PACKAGED)
        raise ModelError(f"{model or DEFAULT}: no such model; give {names} or the path of a file")
    return path
