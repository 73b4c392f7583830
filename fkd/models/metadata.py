"""What an ONNX model of this project says about itself: texts in the file's metadata."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fkd.geometry.crop import CropSpec
from fkd.io.text import printable
from fkd.landmarks import CONVENTION
from fkd.models.histograms import Histogram, histograms_from, stored_histograms

SCHEMA = "3"
CODE_LICENCE = "MIT"
# Of pictures that ask for nothing, so that weights may carry the code's licence.
FREE_LICENCE = "CC0 or public domain"
# Of a crop, pixels: what a network could be trained on.
SMALLEST_CROP, LARGEST_CROP = 8, 1024
Scores = dict[str, dict[str, dict[str, float]]]
# What a person is told of the scores.
FIGURES = {"nme": "NME {:.2f} %", "failure_rate": "{:.1f} % fail", "faces": "{:.0f} faces"}


class ModelError(ValueError):
    """A model that cannot be used; the message is one sentence that names it."""


@dataclass(frozen=True)
class ModelInfo:
    """crop: how to feed the model. network: its name in `fkd.training.networks`. provenance: run,
    commit, data and licences. scores: by test set, then box source, then figure. min_score: of a
    face, from which on a detection is taken for one; None for a model without scores. histograms:
    of the validation faces, by the names of `fkd.inference.drift.MEASURES`; none in older files.
    """

    crop: CropSpec
    network: str
    provenance: dict[str, str]
    scores: Scores
    min_score: float | None = None
    histograms: dict[str, Histogram] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str]:
        """The texts that go into the ONNX file."""
        return {
            "fkd_schema": SCHEMA,
            "landmarks": CONVENTION,
            "crop": json.dumps(dataclasses.asdict(self.crop)),
            "network": self.network,
            "provenance": json.dumps(self.provenance),
            "scores": json.dumps(self.scores),
            "min_score": json.dumps(self.min_score),
            "histograms": json.dumps(stored_histograms(self.histograms)),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values, under the names of `fkd info --json` and /v1/model."""
        return {
            "crop": dataclasses.asdict(self.crop),
            "model": self.network,
            "about": self.provenance,
            "scores": self.scores,
            "min_score": self.min_score,
            "histograms": stored_histograms(self.histograms),
        }

    @property
    def licence_notice(self) -> str | None:
        """The licence of the weights, where it is not that of the code; None where it is."""
        return licence_notice(self.provenance)


def licence_notice(provenance: Mapping[str, str]) -> str | None:
    """The licence of weights, by their provenance, where it is not that of the code; None where it
    is."""
    weights = provenance.get("weights_licence")
    return None if weights == provenance.get("code_licence") else weights


def file_line(network: str, path: Path) -> str:
    """A network's name and file, for a person to read."""
    return f"network    {network}, {path.name}, {path.stat().st_size / 1e6:.1f} MB"


def provenance_lines(provenance: Mapping[str, str]) -> list[str]:
    """Where a model comes from, for a person to read."""
    return [f"{key.replace('_', ' '):<10} {value}" for key, value in provenance.items()]


def describe(info: ModelInfo, path: Path) -> str:
    """The info as lines for a person to read."""
    crop = info.crop
    lines = [
        file_line(info.network, path),
        f"input      {crop.size}x{crop.size} grey; box scaled by {crop.scale}, "
        f"moved down by {crop.shift_y} of its side",
        f"points     {CONVENTION}",
        *provenance_lines(info.provenance),
    ]
    for test_set, sources in info.scores.items():
        for source, figures in sources.items():
            how = "end to end" if source == "end_to_end" else f"{source} boxes"
            told = [text.format(figures[key]) for key, text in FIGURES.items() if key in figures]
            lines.append(f"score      {test_set}, {how}: {', '.join(told)}")
    return "\n".join(lines)


def from_metadata(metadata: Mapping[str, str], name: str) -> ModelInfo:
    """The info in an ONNX file's metadata; `name` is for messages. Raises ModelError."""
    if "fkd_detector_schema" in metadata:
        raise ModelError(f"{name}: finds faces, and no points in them")
    if "fkd_schema" not in metadata:
        raise ModelError(
            f"{name}: an ONNX model without fkd's metadata; export it with this project"
        )
    if metadata["fkd_schema"] != SCHEMA or metadata.get("landmarks") != CONVENTION:
        raise ModelError(
            f"{name}: made for another version of fkd or another set of points; export it again"
        )
    try:
        return ModelInfo(
            crop=_crop(json.loads(metadata["crop"])),
            network=printable(metadata["network"]),
            provenance=checked_texts(json.loads(metadata["provenance"])),
            scores=_scores(json.loads(metadata["scores"])),
            min_score=_min_score(json.loads(metadata["min_score"])),
            histograms=histograms_from(json.loads(metadata.get("histograms", "{}"))),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        fault = printable(str(error))[:160]
        raise ModelError(f"{name}: its metadata is damaged ({fault})") from None


def _crop(stored: dict[str, Any]) -> CropSpec:
    spec = CropSpec(**stored)
    if type(spec.size) is not int or not SMALLEST_CROP <= spec.size <= LARGEST_CROP:
        raise ValueError(f"crop.size is not a whole number from {SMALLEST_CROP} to {LARGEST_CROP}")
    if (
        not 0 < checked_number(spec.scale) <= LARGEST_CROP
        or abs(checked_number(spec.shift_y)) > LARGEST_CROP
    ):
        raise ValueError("crop.scale or crop.shift_y is out of range")
    return spec


def checked_texts(stored: dict[str, str]) -> dict[str, str]:
    """Texts by name, in one line each and without control characters, as they reach terminals.
    Raises ValueError for anything else."""
    if not all(isinstance(value, str) for value in stored.values()):
        raise ValueError("provenance is not texts by name")
    return {printable(key): printable(value) for key, value in stored.items()}


def _scores(stored: Scores) -> Scores:
    return {
        printable(test_set): {
            printable(source): {
                printable(key): checked_number(value) for key, value in figures.items()
            }
            for source, figures in sources.items()
        }
        for test_set, sources in stored.items()
    }


def _min_score(stored: float | None) -> float | None:
    if stored is not None and not 0 <= checked_number(stored) <= 1:
        raise ValueError("min_score is not from 0 to 1")
    return stored


def checked_number(value: float) -> float:
    """A finite number as it is. Raises ValueError for anything else."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return value
