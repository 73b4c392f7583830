"""Stage prepare: read or render the faces of data.root, check, detect, cut, split by person."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fkd.cluster.connection import ClusterError
from fkd.cluster.preparing import prepare_on_ray
from fkd.datasets.params import DataParams, PrepareParams
from fkd.datasets.prepare import Rejected, read_parts
from fkd.datasets.prepare_shards import Destination, prepare_shards
from fkd.datasets.sample import BadDataset, Sample
from fkd.datasets.saving import SavedShard, save_table
from fkd.datasets.split import TEST_PARTS
from fkd.datasets.statistics import detector_statistics
from fkd.datasets.store import Faces, load_faces
from fkd.evaluation.figures import gallery, save_figure
from fkd.io.config import ConfigError, load_section
from fkd.io.files import write_whole
from fkd.io.text import csv_table
from pipelines.stage import run_stage, write_json

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
REPORT = Path("reports/prepare")
ENGINES = {"local": prepare_shards, "ray": prepare_on_ray}


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
    store = params.store.rstrip("/")
    for part, members in samples.items():
        uri = f"{store}/{part}" if store else ""
        to = Destination(PREPARED / part, uri, whole_photo=part in TEST_PARTS)
        save_table(saved_shards(members, params, to, rejected), to.folder, uri)
    return {part: load_faces(PREPARED / part) for part in samples}


def saved_shards(
    members: list[Sample], params: PrepareParams, to: Destination, rejected: list[Rejected]
) -> Iterator[SavedShard]:
    """The shards of a part, with a line of progress; samples left out are added to `rejected`."""

    def on_progress(done: int) -> None:
        print(f"{to.folder.name}: {done} of {len(members)} faces", flush=True)

    for shard in ENGINES[params.engine](members, params, to, on_progress):
        rejected += shard.rejected
        yield shard.saved


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
    run_stage("prepare", main, BadDataset, ClusterError, ConfigError)
