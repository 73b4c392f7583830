"""Detector files: what one says about itself, and opening it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image
from fkd.io.text import printable
from fkd.models.metadata import (
    ModelError,
    checked_number,
    checked_texts,
    file_line,
    provenance_lines,
)
from fkd.models.session import FLOATS, metadata_of, open_session, try_model

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

SCHEMA = "1"
# A map of each stride, pixels of the picture for a cell, and what a map tells of a cell: the
# score's logit, centre and log side of the face, five points.
STRIDES = (8, 16, 32)
CHANNELS = 1 + 3 + 10
OUTPUTS = tuple(f"stride{stride}" for stride in STRIDES)
TRIAL_SIDE = 64

Maps = list[NDArray[np.float32]]
# Grey picture uint8 (H, W), both multiples of the largest stride -> for each stride s a map float32
# (CHANNELS, H/s, W/s), which `fkd.detection.maps` reads.
DetectorNetwork = Callable[[Image], Maps]


@dataclass(frozen=True)
class DetectorInfo:
    """provenance: run, commit, data and licences. scores: by set of pictures, then figure.
    min_score: from which on a detection is one, 0..1."""

    provenance: dict[str, str]
    scores: dict[str, dict[str, float]]
    min_score: float

    def to_metadata(self) -> dict[str, str]:
        """The texts that go into the ONNX file."""
        return {
            "fkd_detector_schema": SCHEMA,
            "provenance": json.dumps(self.provenance),
            "scores": json.dumps(self.scores),
            "min_score": json.dumps(self.min_score),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values, under the names of `fkd info --json`."""
        return {"about": self.provenance, "scores": self.scores, "min_score": self.min_score}

    def describe(self, path: Path) -> str:
        """Lines for a person to read; path: of its file."""
        lines = [
            file_line("detector", path),
            "input      grey, any multiples of 32 pixels high and wide",
            *provenance_lines(self.provenance),
        ]
        for pictures, figures in self.scores.items():
            told = (f"{key.replace('_', ' ')} {value:g}" for key, value in figures.items())
            lines.append(f"score      {pictures}: {', '.join(told)}")
        return "\n".join(lines)


def detector_info(metadata: Mapping[str, str], name: str) -> DetectorInfo:
    """The info in an ONNX file's metadata; `name` is for messages. Raises ModelError."""
    if metadata.get("fkd_detector_schema") != SCHEMA:
        raise ModelError(f"{name}: not a face detector of this version of fkd")
    try:
        scores = json.loads(metadata["scores"])
        return DetectorInfo(
            provenance=checked_texts(json.loads(metadata["provenance"])),
            scores={
                printable(pictures): {
                    printable(key): checked_number(value) for key, value in figures.items()
                }
                for pictures, figures in scores.items()
            },
            min_score=_probability(json.loads(metadata["min_score"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ModelError(f"{name}: its metadata is damaged") from None


def _probability(value: float) -> float:
    if not 0 < checked_number(value) < 1:
        raise ValueError("min_score is not between 0 and 1")
    return value


def open_detector(path: Path, threads: int = 0) -> tuple[DetectorNetwork, DetectorInfo]:
    """A detector's file as a function of grey pictures, and what it says about itself. The function
    may be called from several threads; it raises ModelError for an answer of another shape or with
    numbers that are not finite. Raises ModelError when the file cannot be used."""
    session = open_session(path, threads)
    info = detector_info(metadata_of(session, path), str(path))
    pixels = _input_name(session, path)

    def run(grey: Image, options: "RunOptions | None" = None) -> Maps:
        answer = session.run(None, {pixels: grey[None, None].astype(np.float32)}, options)
        return [
            _checked(maps, grey, stride, path) for maps, stride in zip(answer, STRIDES, strict=True)
        ]

    def trial(options: "RunOptions") -> None:
        run(np.zeros((TRIAL_SIDE, 2 * TRIAL_SIDE), np.uint8), options)

    try_model(trial, path)
    return run, info


def _input_name(session: "InferenceSession", path: Path) -> str:
    """The input's name. Raises ModelError when inputs and outputs are not those of the export."""
    inputs = session.get_inputs()
    names = tuple(output.name for output in session.get_outputs())
    if len(inputs) != 1 or inputs[0].type != FLOATS or names != OUTPUTS:
        raise ModelError(f"{path}: not one input of floats and the outputs {', '.join(OUTPUTS)}")
    shape = inputs[0].shape
    if shape[:2] != [1, 1] or len(shape) != 4 or any(isinstance(side, int) for side in shape[2:]):
        raise ModelError(f"{path}: its input is not one grey picture of any height and width")
    return str(inputs[0].name)


def _checked(maps: Any, grey: Image, stride: int, path: Path) -> NDArray[np.float32]:
    """The map of the one picture, when it is one."""
    expected = (1, CHANNELS, *(length // stride for length in grey.shape))
    if maps.shape != expected:
        raise ModelError(f"{path}: a map has the shape {maps.shape} instead of {expected}")
    if not np.isfinite(maps).all():
        raise ModelError(f"{path}: a map holds numbers that are not finite")
    return np.asarray(maps[0], np.float32)
