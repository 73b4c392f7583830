"""`fkd infer`: faces and points of photos."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import (
    DRAWN,
    DetectorOption,
    DrawOption,
    MinFaceOption,
    ModelOption,
    ThreadsOption,
    app,
    check_folder,
    drawn_layers,
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


class Backend(StrEnum):
    """What runs the model."""

    onnx = "onnx"
    torch = "torch"


@app.command(epilog=EXIT_CODES)
def infer(
    paths: PhotosArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for overlay pictures and files.")
    ] = Path("overlays"),
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines on standard output, no overlays.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Also a CSV file for each photo.")] = False,
    csv_file: Annotated[
        Path | None, typer.Option(help="Also one CSV file, of the faces of all photos.")
    ] = None,
    draw: DrawOption = DRAWN,
    pts: Annotated[bool, typer.Option("--pts", help="Also a .pts file for each face.")] = False,
    backend: Annotated[Backend, typer.Option(help="What runs the model.")] = Backend.onnx,
    model: ModelOption = "base",
    detector: DetectorOption = "haar",
    threads: ThreadsOption = 0,
    min_face: MinFaceOption = None,
    min_score: MinScoreOption = None,
    fail_on_no_face: FailOnNoFaceOption = False,
) -> None:
    """Find the faces and their 68 points in photos.

    Draws an overlay of each photo into --output and prints one line per photo.
    """
    from fkd.cli.progress import ProgressBar
    from fkd.inference import batch
    from fkd.inference.records import photo_record
    from fkd.io.files import write_whole
    from fkd.io.text import json_text

    predictor = open_predictor(
        model,
        backend=backend.value,
        detector=detector,
        threads=threads,
        min_face=min_face,
        min_score=min_score,
    )
    photos = Photos(predictor, paths, output)
    outputs = batch.Outputs(
        output, not as_json, csv=csv, pts=pts, csv_file=csv_file, layers=drawn_layers(draw)
    )
    if conflict := batch.conflict(photos.sources, outputs):
        fail(f"{conflict}; choose another --output or --csv-file")
    if outputs.overlay or csv or pts:
        check_folder(output)
    if csv_file:
        if str(csv_file) == "-":
            fail("--csv-file: - is standard output, which has a line for each photo; name a file")
        if csv_file.is_dir():
            fail(f"{csv_file}: is a folder, not a CSV file")
        check_folder(csv_file.parent)
    rows: list[batch.Row] = []
    with ProgressBar(len(photos.sources), "photos") as bar:
        for source, picture, analysis in photos.analysed(bar):
            written = batch.write_outputs(source, picture.pixels, analysis, outputs)
            rows += batch.csv_rows(source, analysis) if csv_file else []
            if as_json:
                record = photo_record(source.label, picture, analysis, model, backend.value)
                bar.result(json_text(record))
            else:
                bar.result(summary(source.label, analysis, written))
    if csv_file:
        write_whole(csv_file, batch.csv_bytes(rows))
    photos.exit(fail_on_no_face)
