"""Stage prepare: read or draw the faces of data.root, check, box and cut them, split by person."""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fkd.datasets import drawn
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset, Sample
from fkd.datasets.split import split
from fkd.datasets.store import Face, load_faces, save_faces
from fkd.draw import gallery, save_figure
from fkd.params import ParamsError, Prepare, load_params
from fkd.prepare import Rejected, measure_detector, prepare_faces

PREPARED = Path("data/prepared")
REPORT = Path("reports/prepare")


def main() -> None:
    params = load_params()
    found = read_root(Path(params.data.root))
    if params.data.add_drawn and not any(sample.drawn for sample in found):
        found += read_root(drawn.FOLDER)
    prepare = params.prepare
    samples = split(found, prepare.val, prepare.test, prepare.seed)
    rejected: list[Rejected] = []
    for part, members in samples.items():
        save_faces(progress(members, prepare, part, rejected), PREPARED / part)
    parts = {part: load_faces(PREPARED / part) for part in samples}
    for part in ("train", "val"):
        if not parts[part]:
            raise BadDataset(f"{params.data.root}: no usable face is left for {part}")
    write_report(parts, rejected)


def progress(
    members: list[Sample], prepare: Prepare, part: str, rejected: list[Rejected]
) -> Iterator[Face]:
    """The usable faces of a part; the others are added to `rejected`."""
    for done, face in enumerate(prepare_faces(members, prepare), start=1):
        if isinstance(face, Rejected):
            rejected.append(face)
        else:
            yield face
        if done % 250 == 0 or done == len(members):
            print(f"{part}: {done} of {len(members)} faces", flush=True)


def write_report(parts: dict[str, list[Face]], rejected: list[Rejected]) -> None:
    """Counts, the detector's recall and habit by subset, the rejected, and a gallery."""
    REPORT.mkdir(parents=True, exist_ok=True)
    everyone = [face for faces in parts.values() for face in faces]
    subsets = sorted({face.subset for face in everyone})
    summary = {
        "faces": {part: len(faces) for part, faces in parts.items()},
        "people": {
            part: len({(f.subset, f.identity) for f in faces}) for part, faces in parts.items()
        },
        "rejected": len(rejected),
        "detector": {
            subset: {
                key: np.round(value, 4).tolist()
                for key, value in asdict(
                    measure_detector([face for face in everyone if face.subset == subset])
                ).items()
            }
            for subset in subsets
        },
    }
    (REPORT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    with (REPORT / "rejected.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["subset", "name", "reason"])
        rows.writerows([r.subset, r.name, r.reason] for r in rejected)
    shown = parts["train"][:: max(1, len(parts["train"]) // 64)][:64]
    figure = gallery([face.grey for face in shown], [face.points for face in shown])
    save_figure(figure, REPORT / "gallery.png")


if __name__ == "__main__":
    try:
        main()
    except (BadDataset, ParamsError) as error:
        sys.exit(f"prepare: {error}")
