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
from fkd.cli.parquet import Choices, Workers, make_table
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


class Engine(StrEnum):
    """What makes the parts of a Parquet table."""

    local = "local"
    ray = "ray"


TABLE = "Parquet tables"


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
    parquet: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            rich_help_panel=TABLE,
            help="A table of the faces of any number of photos and nothing else: Parquet in parts, "
            "in this folder or address (s3://, gs://). Photos may be addresses of such, and a .txt "
            "file lists photos. Said again after a stop, it goes on.",
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(rich_help_panel=TABLE, help="local: this process; ray: a cluster of Ray."),
    ] = Engine.local,
    address: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=TABLE,
            help="Of the Ray cluster: auto for the one that this machine is part of, or HOST:PORT; "
            "by default a Ray on this machine alone.",
        ),
    ] = None,
    actors: Annotated[
        int | None,
        typer.Option(
            min=1, rich_help_panel=TABLE, help="Processes on Ray, a core each; by default all."
        ),
    ] = None,
    part_mb: Annotated[
        float,
        typer.Option(
            "--part-mb",
            min=0.001,
            rich_help_panel=TABLE,
            help="Megabytes of photos a part: what is done again after a stop, at most.",
        ),
    ] = 64,
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

    Draws an overlay of each photo into --output and prints one line per photo; or makes one table
    with --parquet.
    """
    from fkd.cli.progress import ProgressBar
    from fkd.inference import batch
    from fkd.inference.records import photo_record
    from fkd.io.files import write_whole
    from fkd.io.text import json_text

    if parquet is None and (engine is Engine.ray or address or actors):
        fail("--engine, --address and --actors are of tables; name one with --parquet")
    if engine is Engine.local and (address or actors):
        fail("--address and --actors are of a cluster; add --engine ray")
    predictor = open_predictor(
        model,
        backend=backend.value,
        detector=detector,
        threads=threads,
        min_face=min_face,
        min_score=min_score,
    )
    name = predictor.version or model
    if parquet is not None:
        if as_json or csv or csv_file or pts:
            fail("--parquet: is the only output; leave out --json, --csv, --csv-file and --pts")
        choices = Choices(name, backend.value, detector, min_face, min_score)
        on = Workers(engine.value, address, actors)
        make_table(paths, parquet, choices, part_mb, on, predictor, fail_on_no_face)
        return
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
                record = photo_record(source.label, picture, analysis, name, backend.value)
                bar.result(json_text(record))
            else:
                bar.result(summary(source.label, analysis, written))
    if csv_file:
        write_whole(csv_file, batch.csv_bytes(rows))
    photos.exit(fail_on_no_face)
