"""What weights learned from besides labelled photos, and the licences that follow."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fkd.io.config import ConfigError, load_section
from fkd.models.metadata import CODE_LICENCE, FREE_LICENCE, ModelError, licence_notice
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from pipelines.tracking import Run

PARAMS = Path("params.yaml")
UNKNOWN_LICENCE = "that of the photos it was trained on"
# What another model can be to a training.
ROLES = ("teacher", "init", "unlabelled_teacher")


class PhotosLicence(BaseModel):
    """The keys of the section `data` that go into the file."""

    model_config = ConfigDict(frozen=True)
    licence: str
    unlabelled_licence: str


class UnlabelledTeacher(BaseModel):
    """The one key of the section `prepare_unlabelled` that goes into the model's provenance."""

    model_config = ConfigDict(frozen=True)
    teacher: str


Opened = tuple[Path, Mapping[str, str]]


def landmark_model(model: str) -> Opened:
    """The file of a landmark model by its name or path, and its provenance. Raises ModelError."""
    file = find_model(model)
    return file, open_onnx(file)[1].provenance


def parent(
    role: str,
    model: str,
    key: str = "",
    opened: Callable[[str], Opened] = landmark_model,
) -> dict[str, str]:
    """Of a model that a training learns from: its file's name and hash under its role, its run,
    and its licence where that is not the code's; nothing where none is named.

    key: of params.yaml, that names it, by default the role's of the section `train`. opened: its
    file and its provenance, by that name; raises ModelError. Raises ConfigError.
    """
    if not model:
        return {}
    try:
        file, provenance = opened(model)
    except ModelError as error:
        raise ConfigError(f"{key or f'train.{role}'}: {error}") from None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    notice = licence_notice(provenance)
    licence = {f"{role}_licence": notice} if notice else {}
    return {role: f"{file.name} {digest}", f"{role}_run": provenance.get("run", ""), **licence}


def unlabelled_parents(subset: str) -> dict[str, str]:
    """Of photos that nobody labelled: their subset, and the teacher that told their points. Raises
    ConfigError."""
    section = "prepare_unlabelled"
    teacher = load_section(UnlabelledTeacher, PARAMS, section).teacher
    named = parent("unlabelled_teacher", teacher, f"{section}.teacher")
    return {**named, "unlabelled": subset}


def link_parents(run: Run, parents: Mapping[str, str]) -> None:
    """Link a run with those of the models that it learns from, as `parent` names them."""
    for role in ROLES:
        if role in parents:
            run.parent(role, parents[role], parents[f"{role}_run"])


def licensed(provenance: Mapping[str, str]) -> dict[str, str]:
    """The provenance of weights with their licences. Raises ConfigError."""
    photos = load_section(PhotosLicence, PARAMS, "data")
    return {
        **provenance,
        "code_licence": CODE_LICENCE,
        "weights_licence": weights_licence(provenance, photos),
    }


def weights_licence(provenance: Mapping[str, str], photos: PhotosLicence) -> str:
    """Weights carry the licences of what they learned from: photos, and other models."""
    unlabelled = provenance.get("unlabelled", "")
    without = {"", unlabelled, *provenance["synthetic"].split(", ")}
    licences = []
    if set(provenance["trained_on"].split(", ")) - without:
        licences.append(photos.licence or UNKNOWN_LICENCE)
    if unlabelled and photos.unlabelled_licence != FREE_LICENCE:
        licences.append(photos.unlabelled_licence or UNKNOWN_LICENCE)
    licences += [provenance.get(f"{role}_licence", "") for role in ROLES]
    return "; ".join(dict.fromkeys(filter(None, licences))) or CODE_LICENCE
