"""Stage prepare: read or render the faces of data.root, check, detect, cut, split by person."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
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
from fkd.datasets.saving import SavedShard, save_shard, save_table
from fkd.datasets.split import TEST_PARTS
from fkd.datasets.statistics import detector_statistics
from fkd.datasets.store import Faces, LabelledFace, load_faces
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
) -> dict[str, Faces]:
    """The usable faces of each part, saved; the others are added to `rejected`."""
    for part, members in samples.items():
        saved = saved_shards(members, params, part, rejected)
        save_table(saved, PREPARED / part, store_of(params, part))
    return {part: load_faces(PREPARED / part) for part in samples}


def saved_shards(
    members: list[Sample], params: PrepareParams, part: str, rejected: list[Rejected]
) -> Iterator[SavedShard]:
    """A shard of the usable faces among each `faces_per_shard` samples of a part."""
    usable = usable_faces(members, params, part, rejected)
    for _ in range(0, len(members), params.faces_per_shard):
        some = islice(usable, params.faces_per_shard)
        faces = (face for face in some if face)
        yield save_shard(faces, PREPARED / part, store_of(params, part))


def store_of(params: PrepareParams, part: str) -> str:
    """The URI of a part's shards, "" where they are beside their table."""
    return f"{params.store.rstrip('/')}/{part}" if params.store else ""


def part_without_faces(parts: dict[str, Faces]) -> str | None:
    """The first of the parts that later stages need and that is empty."""
    needed = {"train": ["train"], "val": ["val"], "test": TEST_PARTS}
    return next((name for name, of in needed.items() if not any(parts[p] for p in of)), None)


def why_empty(part: str, parts: dict[str, Faces], data: DataParams, params: PrepareParams) -> str:
    """The sentence about a part without faces."""
    if part == "test" and not params.test_fraction:
        return "no test faces: raise prepare.test_fraction or name data.test_root"
    everyone = set().union(*(people(faces) for faces in parts.values()))
    return (
        f"{data.root}: {len(everyone)} people have a usable face, and none is left for {part}; "
        "train, val and test need at least one each"
    )


def usable_faces(
    members: list[Sample], params: PrepareParams, part: str, rejected: list[Rejected]
) -> Iterator[LabelledFace | None]:
    """The usable faces of a part, with a line of progress; the others are None, and are added to
    `rejected`."""
    prepared = prepare_faces(members, params, whole_photo=part in TEST_PARTS)
    for done, face in enumerate(prepared, start=1):
        if isinstance(face, Rejected):
            rejected.append(face)
        yield None if isinstance(face, Rejected) else face
        if done % 250 == 0 or done == len(members):
            print(f"{part}: {done} of {len(members)} faces", flush=True)


def write_rejected(rejected: list[Rejected]) -> None:
    """Every sample that was left out, and why."""
    listed = ([one.subset, one.name, one.reason] for one in rejected)
    write_whole(REPORT / "rejected.csv", csv_table([["subset", "name", "reason"], *listed]))


def people(faces: Faces) -> set[tuple[str, str]]:
    """Who is there: subset and identity of each person."""
    columns = faces.columns["subsets"], faces.columns["identities"]
    return {*zip(*(column.tolist() for column in columns), strict=True)}


def write_report(parts: dict[str, Faces], rejected: int) -> None:
    """Counts, the detector's recall and boxes by subset, and a gallery."""
    subset_of, reference, detected = (
        np.concatenate([faces.columns[key] for faces in parts.values()])
        for key in ("subsets", "reference_boxes", "detector_boxes")
    )
    subsets = sorted({*subset_of.tolist()})
    summary = {
        "faces": {part: len(faces) for part, faces in parts.items()},
        "people": {part: len(people(faces)) for part, faces in parts.items()},
        "rejected": rejected,
        "detector": {
            subset: {
                key: None if value is None else np.round(value, 4).tolist()
                for key, value in asdict(
                    detector_statistics(
                        reference[subset_of == subset], detected[subset_of == subset]
                    )
                ).items()
            }
            for subset in subsets
        },
    }
    write_json(REPORT / "summary.json", summary)
    shown = parts["train"][:: max(1, len(parts["train"]) // 64)][:64]
    figure = gallery([face.grey for face in shown], [face.points for face in shown])
    save_figure(figure, REPORT / "gallery.png")


if __name__ == "__main__":
    run_stage("prepare", main, BadDataset, ConfigError)
