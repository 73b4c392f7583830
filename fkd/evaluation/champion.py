"""Which of two models is better: both are scored on one benchmark, whatever they learned from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.prepare import prepare_faces
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset
from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import validation_nme
from fkd.io.config import Section
from fkd.models.session import open_onnx


class RegistryParams(Section):
    """By what the registry compares models."""

    benchmark: Annotated[
        str,
        Field(
            description="Folder with the data set on which the new model and the champion are both "
            "scored, whatever they learned from; every face in it counts."
        ),
    ]


@dataclass(frozen=True)
class Decision:
    """Whether a new version leads, and why."""

    leads: bool
    why: str


def decide(candidate: float, leading: float | None, parity_passed: bool) -> Decision:
    """By the NME of the new version and of the champion on the same faces, percent: the lower one
    leads, if torch and ONNX agree on it. leading: None for a champion that cannot be opened."""
    scores = f"NME {candidate:.3f} %, "
    scores += "the champion cannot be opened" if leading is None else f"champion {leading:.3f} %"
    if not parity_passed:
        return Decision(False, f"{scores}; torch and ONNX differ")
    return Decision(leading is None or candidate < leading, scores)


def benchmark_faces(root: Path) -> list[LabelledFace]:
    """All usable faces under a root. Raises BadDataset when there is none."""
    prepared = prepare_faces(read_root(root), DEFAULT_PREPARE)
    faces = [face for face in prepared if isinstance(face, LabelledFace)]
    if not faces:
        raise BadDataset(f"registry.benchmark: {root} has no usable face")
    return faces


def nme_of(file: Path, faces: list[LabelledFace]) -> float:
    """NME of a model on faces in the boxes that training uses, percent. Raises ModelError."""
    model, info = open_onnx(file)
    return validation_nme(faces, model, info.crop)
