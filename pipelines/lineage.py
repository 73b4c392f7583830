"""What weights learned from besides labelled photos, and the licences that follow."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fkd.io.config import ConfigError
from fkd.models.metadata import CODE_LICENCE, FREE_LICENCE, ModelError, licence_notice
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model

UNKNOWN_LICENCE = "that of the photos it was trained on"


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
    section: str = "train",
    opened: Callable[[str], Opened] = landmark_model,
) -> dict[str, str]:
    """Of a model that a training learns from: its file's name and hash under its role, its run,
    and its licence where that is not the code's; nothing where none is named.

    section: of params.yaml, that names it. opened: its file and its provenance, by that name;
    raises ModelError. Raises ConfigError.
    """
    if not model:
        return {}
    try:
        file, provenance = opened(model)
    except ModelError as error:
        raise ConfigError(f"{section}.{role}: {error}") from None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    notice = licence_notice(provenance)
    licence = {f"{role}_licence": notice} if notice else {}
    return {role: f"{file.name} {digest}", f"{role}_run": provenance.get("run", ""), **licence}


def weights_licence(provenance: Mapping[str, str], photos: PhotosLicence) -> str:
    """Weights carry the licences of what they learned from: photos, and other models."""
    unlabelled = provenance.get("unlabelled", "")
    without = {"", unlabelled, *provenance["synthetic"].split(", ")}
    licences = []
    if set(provenance["trained_on"].split(", ")) - without:
        licences.append(photos.licence or UNKNOWN_LICENCE)
    if unlabelled and photos.unlabelled_licence != FREE_LICENCE:
        licences.append(photos.unlabelled_licence or UNKNOWN_LICENCE)
    roles = ("teacher", "init", "unlabelled_teacher")
    licences += [provenance.get(f"{role}_licence", "") for role in roles]
    return "; ".join(dict.fromkeys(filter(None, licences))) or CODE_LICENCE
