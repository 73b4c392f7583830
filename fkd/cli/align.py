"""`fkd align`: the faces of photos, each cut out upright."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import (
    DetectorOption,
    MinFaceOption,
    ModelOption,
    ThreadsOption,
    app,
    check_folder,
    fail,
    open_predictor,
)
from fkd.cli.photos import (
    EXIT_CODES,
    FailOnNoFaceOption,
    MinScoreOption,
    Photos,
    PhotosArgument,
    summary,
)


class Template(StrEnum):
    """Where a face comes to lie in its chip."""

    eyes = "eyes"
    arcface = "arcface"
    dlib = "dlib"


@app.command(epilog=EXIT_CODES)
def align(
    paths: PhotosArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the faces' pictures.")
    ] = Path("chips"),
    size: Annotated[
        int, typer.Option(min=1, max=4096, help="Side of a face's picture, pixels.")
    ] = 112,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            help="How much is shown around the template's square at each side, in its sides; by "
            "default 0.25, arcface: 0.",
        ),
    ] = None,
    template: Annotated[
        Template,
        typer.Option(
            help="eyes: the eyes level and always in the same place; arcface, dlib: as ArcFace and "
            "dlib's get_face_chip align faces."
        ),
    ] = Template.eyes,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines on standard output, one per face.")
    ] = False,
    model: ModelOption = "base",
    detector: DetectorOption = "haar",
    threads: ThreadsOption = 0,
    min_face: MinFaceOption = None,
    min_score: MinScoreOption = None,
    fail_on_no_face: FailOnNoFaceOption = False,
) -> None:
    """Cut the faces out of photos, upright and of one size.

    Writes a PNG picture of each face into --output and prints one line per photo.
    """
    from fkd.cli.progress import ProgressBar
    from fkd.inference import batch
    from fkd.inference.chip import face_chip
    from fkd.inference.records import chip_record
    from fkd.io.text import json_text
    from fkd.landmarks import PointsError

    predictor = open_predictor(
        model, detector=detector, threads=threads, min_face=min_face, min_score=min_score
    )
    photos = Photos(predictor, paths, output)
    outputs = batch.Outputs(output, chips=True)
    if conflict := batch.conflict(photos.sources, outputs):
        fail(f"{conflict}; choose another --output")
    check_folder(output)
    with ProgressBar(len(photos.sources), "photos") as bar:
        for source, picture, analysis in photos.analysed(bar):
            written, records = [], []
            for number, face in enumerate(analysis.faces):
                try:
                    chip = face_chip(picture.pixels, face, size, margin, template.value)
                except PointsError as error:
                    photos.reject(f"{source.label}: face {number}: {error}", bar)
                    continue
                written.append(batch.write_chip(source, number + 1, chip, outputs))
                records.append(json_text(chip_record(source.label, number, chip, written[-1])))
            bar.result(*records if as_json else [summary(source.label, analysis, written)])
    photos.exit(fail_on_no_face)
