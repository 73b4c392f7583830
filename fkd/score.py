"""Scoring an exported model on labelled data, outside the pipeline."""

from pathlib import Path

from fkd.certainty import Network
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset
from fkd.datasets.split import split
from fkd.datasets.store import Face
from fkd.model_info import ModelInfo
from fkd.params import Prepare, load_params
from fkd.prepare import Rejected, prepare_faces
from fkd.report import results

OFFICIAL = "-official"


def test_faces(root: Path, prepare: Prepare, everyone: bool = False) -> dict[str, list[Face]]:
    """Faces to score on under a root, by name of the set: new people under the subset's name,
    official test faces of people that training sees under `<subset>-official`.

    everyone: all faces, in one set a subset. Raises BadDataset.
    """
    parts = split(read_root(root), prepare.val, prepare.test, prepare.seed)
    named: dict[str, list[Face]] = {}
    for part, samples in parts.items():
        if not everyone and part not in ("test", "official"):
            continue
        for face in prepare_faces(samples, prepare):
            if not isinstance(face, Rejected):
                known = part == "official" and not everyone
                named.setdefault(face.subset + (OFFICIAL if known else ""), []).append(face)
    return dict(sorted(named.items()))


def score_model(
    root: Path, network: Network, info: ModelInfo, everyone: bool = False
) -> dict[str, dict[str, dict[str, float]]]:
    """A model's figures by set, then box source, then name, with `prepare` and the threshold of
    params.yaml. Raises BadDataset, ParamsError.
    """
    params = load_params()
    sets = test_faces(root, params.prepare, everyone)
    if not sets:
        raise BadDataset(f"{root}: no test faces; --all scores every face")
    return {
        name: {
            source: result.numbers()
            for source, result in results(
                faces, network, None, info.crop, params.evaluate.threshold, info.min_score
            ).items()
        }
        for name, faces in sets.items()
    }


def table(scores: dict[str, dict[str, dict[str, float]]]) -> str:
    """The scores as aligned lines of text."""
    rows = [
        ["set", "boxes", "faces", "NME %", "median", "AUC", "FR %", "recall", "end to end FR %"]
    ]
    keys = ("nme", "median", "auc", "failure_rate", "recall", "end_to_end_failure")
    for name, sources in scores.items():
        for source, numbers in sources.items():
            values = [f"{numbers[key]:.3f}" for key in keys]
            rows.append([name, source, f"{numbers['faces']:.0f}", *values])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
