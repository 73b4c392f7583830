"""`fkd drift`: how the faces of photos differ from those that a model was validated on."""

from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import (
    DetectorOption,
    MinFaceOption,
    ModelOption,
    ThreadsOption,
    app,
    fail,
    open_predictor,
)
from fkd.cli.photos import Photos, PhotosArgument


@app.command()
def drift(
    paths: PhotosArgument,
    model: ModelOption = "base",
    detector: DetectorOption = "haar",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    threads: ThreadsOption = 0,
    min_face: MinFaceOption = None,
) -> None:
    """Say how the faces of photos differ from those that the model was validated on.

    For score, confidence, size and pose the population stability index: below 0.1 they are alike,
    from 0.25 on they differ. Exit codes as of infer; 2 also for a model whose file has no
    histograms of its validation faces.
    """
    from fkd.cli.progress import ProgressBar
    from fkd.inference.drift import drifts_of, measures_of, table, verdict
    from fkd.io.text import json_text

    predictor = open_predictor(
        model, detector=detector, threads=threads, min_face=min_face, backend="onnx"
    )
    if not predictor.info.histograms:
        fail(f"{model}: has no histograms of its validation faces; export it with this version")
    photos = Photos(predictor, paths, Path("overlays"))
    with ProgressBar(len(photos.sources), "photos") as bar:
        measured = []
        for _, _, analysis in photos.analysed(bar):
            measured += [measures_of(face) for face in analysis.faces]
            bar.step()
    if not measured:
        fail("no faces in these photos", 1)
    drifts = drifts_of(measured, predictor.info.histograms)
    if as_json:
        measures = {one.measure: one.to_dict() for one in drifts}
        print(
            json_text({"faces": len(measured), "measures": measures, "verdict": verdict(drifts)}, 2)
        )
    else:
        print("\n".join([f"faces: {len(measured)}", *table(drifts), *verdict(drifts)]))
    photos.exit(False)
