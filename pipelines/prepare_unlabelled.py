"""Stage prepare_unlabelled: photos that nobody labelled, with the points of a teacher."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected
from fkd.datasets.saving import save_faces
from fkd.datasets.store import LabelledFace, load_faces
from fkd.datasets.unlabelled import UnlabelledParams, unlabelled_faces
from fkd.evaluation.figures import gallery, save_figure
from fkd.io.config import ConfigError, load_section
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from fkd.models.metadata import ModelError
from pipelines.stage import run_stage, write_json

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared/unlabelled")
REPORT = Path("reports/prepare_unlabelled")


class UnlabelledFolder(BaseModel):
    """The one key of the section `data` that is read here."""

    model_config = ConfigDict(frozen=True)
    unlabelled: str


def main() -> None:
    folder = Path(load_section(UnlabelledFolder, PARAMS, "data").unlabelled)
    params = load_section(UnlabelledParams, PARAMS, "prepare_unlabelled")
    prepare = load_section(PrepareParams, PARAMS, "prepare")
    if not folder.is_dir():
        raise ConfigError(f"data.unlabelled: {folder} is not a folder")
    rejected: list[Rejected] = []
    faces = usable(unlabelled_faces(folder, params, prepare), rejected)
    kept = save_faces(faces, PREPARED, prepare.faces_per_shard)
    listed = ([one.subset, one.name, one.reason] for one in rejected)
    write_whole(REPORT / "rejected.csv", csv_table([["subset", "name", "reason"], *listed]))
    write_json(REPORT / "summary.json", {"faces": kept, "rejected": len(rejected)})
    how = f"{kept} faces, {len(rejected)} left out" if kept else "none, the training goes without"
    print(f"unlabelled photos in {folder}: {how}")
    shown = load_faces(PREPARED)[:64]
    figure = gallery([face.grey for face in shown], [face.points for face in shown])
    save_figure(figure, REPORT / "gallery.png")


def usable(
    faces: Iterator[LabelledFace | Rejected], rejected: list[Rejected]
) -> Iterator[LabelledFace]:
    """The usable faces; the others are added to `rejected`."""
    for face in faces:
        if isinstance(face, Rejected):
            rejected.append(face)
        else:
            yield face


if __name__ == "__main__":
    run_stage("prepare_unlabelled", main, ConfigError, ModelError)
