"""Stage prepare: read or render the faces of data.root, check, detect, cut, split by person."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fkd.datasets.prepare import (
    DataParams,
    PrepareParams,
    Rejected,
    prepare_faces,
    read_parts,
)
from fkd.datasets.sample import BadDataset, Sample
from fkd.datasets.split import TEST_PARTS
from fkd.datasets.statistics import detector_statistics
from fkd.datasets.store import LabelledFace, load_faces, save_faces
from fkd.evaluation.figures import gallery, save_figure
from fkd.io.config import ConfigError, load_section
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from pipelines.stage import run_stage, write_json

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
REPORT = Path("reports/prepare")


def main() -> None:
    data = load_section(DataParams, PARAMS, "data")
    params = load_section(PrepareParams, PARAMS, "prepare")
    rejected: list[Rejected] = []
    parts = prepare_parts(read_parts(data, params), params, rejected)
    if rejected and part_without_faces(parts):
        # Everyone in a small part was rejected: the people who are left are split anew.
        parts = prepare_parts(read_parts(data, params, rejected), params, rejected)
    write_rejected(rejected)
    if empty := part_without_faces(parts):
        raise BadDataset(why_empty(empty, parts, data, params))
    write_report(parts, len(rejected))


def prepare_parts(
    samples: dict[str, list[Sample]], params: PrepareParams, rejected: list[Rejected]
) -> dict[str, list[LabelledFace]]:
    """The usable faces of each part, saved; the others are added to `rejected`."""
    for part, members in samples.items():
        save_faces(usable_faces(members, params, part, rejected), PREPARED / part)
    return {part: load_faces(PREPARED / part) for part in samples}


def part_without_faces(parts: dict[str, list[LabelledFace]]) -> str | None:
    """The first of the parts that later stages need and that is empty."""
    needed = {"train": ["train"], "val": ["val"], "test": TEST_PARTS}
    return next((name for name, of in needed.items() if not any(parts[p] for p in of)), None)


def why_empty(
    part: str, parts: dict[str, list[LabelledFace]], data: DataParams, params: PrepareParams
) -> str:
    """The sentence about a part without faces."""
    if part == "test" and not params.test_fraction:
        return "no test faces: raise prepare.test_fraction or name data.test_root"
    people = {(face.subset, face.identity) for faces in parts.values() for face in faces}
    return (
        f"{data.root}: {len(people)} people have a usable face, and none is left for {part}; "
        "train, val and test need at least one each"
    )


def usable_faces(
    members: list[Sample], params: PrepareParams, part: str, rejected: list[Rejected]
) -> Iterator[LabelledFace]:
    """The usable faces of a part, with a line of progress; the others are added to `rejected`."""
    prepared = prepare_faces(members, params, whole_photo=part in TEST_PARTS)
    for done, face in enumerate(prepared, start=1):
        if isinstance(face, Rejected):
            rejected.append(face)
        else:
            yield face
        if done % 250 == 0 or done == len(members):
            print(f"{part}: {done} of {len(members)} faces", flush=True)


def write_rejected(rejected: list[Rejected]) -> None:
    """Every sample that was left out, and why."""
    listed = ([one.subset, one.name, one.reason] for one in rejected)
    write_whole(REPORT / "rejected.csv", csv_table([["subset", "name", "reason"], *listed]))


def write_report(parts: dict[str, list[LabelledFace]], rejected: int) -> None:
    """Counts, the detector's recall and boxes by subset, and a gallery."""
    everyone = [face for faces in parts.values() for face in faces]
    by_subset = {
        subset: [face for face in everyone if face.subset == subset]
        for subset in sorted({face.subset for face in everyone})
    }
    summary = {
        "faces": {part: len(faces) for part, faces in parts.items()},
        "people": {
            part: len({(f.subset, f.identity) for f in faces}) for part, faces in parts.items()
        },
        "rejected": rejected,
        "detector": {
            subset: {
                key: None if value is None else np.round(value, 4).tolist()
                for key, value in asdict(detector_statistics(faces)).items()
            }
            for subset, faces in by_subset.items()
        },
    }
    write_json(REPORT / "summary.json", summary)
    shown = parts["train"][:: max(1, len(parts["train"]) // 64)][:64]
    figure = gallery([face.grey for face in shown], [face.points for face in shown])
    save_figure(figure, REPORT / "gallery.png")


if __name__ == "__main__":
    run_stage("prepare", main, BadDataset, ConfigError)
