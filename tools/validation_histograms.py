"""Give a model's file the histograms of its validation faces, where an older export has none:
`python -m tools.validation_histograms MODEL.onnx data/prepared/val`. What is computed stays; the
exporter's notes, which newer exports have not either, make room for them."""

import dataclasses
import sys
from pathlib import Path

from fkd.datasets.sample import BadDataset
from fkd.datasets.store import load_faces
from fkd.evaluation.validation import validation_histograms
from fkd.io.files import write_whole
from fkd.models.metadata import ModelError
from fkd.models.session import open_onnx
from fkd.training.export import clear_notes
from pipelines.stage import run_stage


def main() -> None:
    import onnx

    if len(sys.argv) != 3:
        sys.exit("usage: python -m tools.validation_histograms MODEL.onnx PREPARED_FACES")
    path, folder = map(Path, sys.argv[1:])
    model, info = open_onnx(path)
    faces = load_faces(folder)
    histograms = validation_histograms(faces, model, info.crop, info.min_score)
    stored = onnx.load(path)
    clear_notes(stored)
    metadata = dataclasses.replace(info, histograms=histograms).to_metadata()
    onnx.helper.set_model_props(stored, metadata)
    write_whole(path, stored.SerializeToString())
    print(f"{path}: histograms of {histograms['face_size'].total} faces")


if __name__ == "__main__":
    run_stage("validation_histograms", main, BadDataset, ModelError)
