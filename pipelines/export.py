"""Stage export: the network as one ONNX file, compared with torch, logged and registered."""

import json
import sys
from pathlib import Path

from fkd.datasets.store import load_faces
from fkd.evaluate import crops
from fkd.model_info import ModelInfo
from fkd.onnx_model import open_onnx
from fkd.params import ParamsError, load_params
from fkd.tracking import resumed_run
from fkd.training.answers import torch_network
from fkd.training.checkpoint import CheckpointError, load_certainty, load_checkpoint
from fkd.training.export import export_onnx, parity

CHECKPOINT = Path("models/model.pt")
MODEL = Path("models/model.onnx")
RUN = Path("models/run.json")
PREPARED = Path("data/prepared")
SCORES = Path("reports/evaluate/metrics.json")
REPORT = Path("reports/export")
COMPARED = 200
CODE_LICENCE = "MIT"
PHOTOS_LICENCE = "research use only, as the photos it was trained on"


def main() -> None:
    params = load_params()
    checkpoint = load_checkpoint(CHECKPOINT)
    scores = {name: of for name, of in json.loads(SCORES.read_text()).items() if name != "val"}
    about = {
        **checkpoint.about,
        "code_licence": CODE_LICENCE,
        "weights_licence": weights_licence(checkpoint.about),
    }
    certainty = load_certainty(CHECKPOINT)
    min_score = certainty.min_score if certainty else None
    info = ModelInfo(checkpoint.crop, checkpoint.model, about, scores, min_score)
    export_onnx(checkpoint, certainty, info, MODEL)
    faces = load_faces(PREPARED / "test")[:COMPARED] or load_faces(PREPARED / "val")[:COMPARED]
    pixels = crops(faces, [face.box for face in faces], checkpoint.crop)
    torch_answers = torch_network(checkpoint.network(), certainty)
    differences = parity(torch_answers, open_onnx(MODEL)[0], pixels)
    largest = max(differences.values())
    passed = largest <= params.export.tolerance_px
    REPORT.mkdir(parents=True, exist_ok=True)
    stored = {"largest_px": largest, "crops": len(faces), "passed": passed, **differences}
    (REPORT / "parity.json").write_text(json.dumps(stored, indent=2) + "\n")
    with resumed_run(json.loads(RUN.read_text())["run"]) as run:
        run.metrics({f"parity.{key}": float(value) for key, value in stored.items()})
        run.files([MODEL, REPORT / "parity.json"], "export")
        test_set, nme = ranked_by(scores, checkpoint.about)
        run.register(MODEL, nme, passed, test_set)
    if not passed:
        raise SystemExit(
            f"export: torch and ONNX differ by {largest:.4f} px, more than "
            f"export.tolerance_px = {params.export.tolerance_px}"
        )


def weights_licence(about: dict[str, str]) -> str:
    """Weights carry the licence of what they learned from: photos, or a teacher's answers."""
    if about["trained_on"] != about["drawn"]:
        return PHOTOS_LICENCE
    return about.get("teachers_licence", CODE_LICENCE)


def ranked_by(
    scores: dict[str, dict[str, dict[str, float]]], about: dict[str, str]
) -> tuple[str, float]:
    """The test set by which versions of the model are ranked, and the NME on it.

    Real people before drawn ones, then by name, so that the same data give the same set. Another
    recipe draws another test set of the same name and size, so that one is told by its fingerprint.
    """
    drawn = about["drawn"].split(", ")
    name = min(scores, key=lambda name: (name in drawn, name))
    if name in drawn:
        return f"{name} {about['data_fingerprint']}", scores[name]["annotation"]["nme"]
    return f"{name} ({scores[name]['annotation']['faces']:.0f} faces)", scores[name]["annotation"][
        "nme"
    ]


if __name__ == "__main__":
    try:
        main()
    except (CheckpointError, ParamsError) as error:
        sys.exit(f"export: {error}")
