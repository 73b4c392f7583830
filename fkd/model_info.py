"""What an ONNX model of this project says about itself: texts in the file's metadata."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fkd.landmarks import CONVENTION
from fkd.preprocess import CropSpec

SCHEMA = "2"
MODELS = Path(__file__).parent / "models"
PACKAGED = {name: MODELS / f"{name}.onnx" for name in ("base", "nano", "research")}
DEFAULT = "base"


class ModelError(ValueError):
    """A model that cannot be used; the message is one sentence that names it."""


@dataclass(frozen=True)
class ModelInfo:
    """crop: how to feed the model. model: the network's name. about: run, commit, data, licences.

    scores: by test set, then box source, then figure. min_score: of a face, at which a detected
    box is taken for one; None for a model without scores.
    """

    crop: CropSpec
    model: str
    about: dict[str, str]
    scores: dict[str, dict[str, dict[str, float]]]
    min_score: float | None = None

    def to_metadata(self) -> dict[str, str]:
        """The texts that go into the ONNX file."""
        return {
            "fkd_schema": SCHEMA,
            "landmarks": CONVENTION,
            "crop": json.dumps(dataclasses.asdict(self.crop)),
            "model": self.model,
            "about": json.dumps(self.about),
            "scores": json.dumps(self.scores),
            "min_score": json.dumps(self.min_score),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return dataclasses.asdict(self)

    @property
    def notice(self) -> str | None:
        """The licence of the weights, where it is not that of the code; None where it is."""
        weights = self.about.get("weights_licence")
        return None if weights == self.about.get("code_licence") else weights


def describe(info: ModelInfo, path: Path) -> str:
    """The info as lines for a person to read."""
    crop = info.crop
    lines = [
        f"model      {info.model}, {path.name}, {path.stat().st_size / 1e6:.1f} MB",
        f"input      {crop.size}x{crop.size} grey; box scaled by {crop.scale}, "
        f"moved down by {crop.shift_y} of its side",
        f"points     {CONVENTION}",
        *(f"{key.replace('_', ' '):<10} {value}" for key, value in info.about.items()),
    ]
    for test_set, sources in info.scores.items():
        for source, numbers in sources.items():
            lines.append(
                f"score      {test_set}, {source} boxes: NME {numbers['nme']:.2f} %, "
                f"{numbers['failure_rate']:.1f} % fail, {numbers['faces']:.0f} faces"
            )
    return "\n".join(lines)


def from_metadata(metadata: Mapping[str, str], name: str) -> ModelInfo:
    """The info in an ONNX file's metadata; `name` is for messages. Raises ModelError."""
    if "fkd_schema" not in metadata:
        raise ModelError(
            f"{name}: an ONNX model without fkd's metadata; export it with this project"
        )
    if metadata["fkd_schema"] != SCHEMA or metadata.get("landmarks") != CONVENTION:
        raise ModelError(f"{name}: made for another version of fkd or another set of points")
    try:
        return ModelInfo(
            crop=CropSpec(**json.loads(metadata["crop"])),
            model=metadata["model"],
            about=json.loads(metadata["about"]),
            scores=json.loads(metadata["scores"]),
            min_score=json.loads(metadata["min_score"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{name}: its metadata is damaged ({error})") from None


def find_model(model: str | Path | None) -> Path:
    """The file of a packaged model's name, of a path, or of the default. Raises ModelError."""
    path = PACKAGED.get(str(model or DEFAULT)) or Path(str(model))
    if not os.path.isfile(path):
        names = ", ".join(PACKAGED)
        raise ModelError(f"{model or DEFAULT}: no such model; give {names} or the path of a file")
    return path
