"""`fkd infer`: faces and points of photos."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fkd.cli.app import (
    DRAWN,
    Detector,
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
    say,
)

if TYPE_CHECKING:
    from fkd.inference.predictor import Analysis

EXIT_CODES = """Exit codes: 0 all went well (also when a photo has no face); 1 at least one input
could not be used, the others were done; or a result could not be written, and nothing was done
after it; 2 usage error, or the model or the output folder cannot be used, nothing was done; 3
--fail-on-no-face and a photo has no face."""


class Backend(StrEnum):
    """What runs the model."""

    onnx = "onnx"
    torch = "torch"


@app.command(epilog=EXIT_CODES)
def infer(
    paths: Annotated[
        list[str],
        typer.Argument(help="Photos, folders, globs, http(s) addresses, or - for standard input."),
    ],
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
    detector: DetectorOption = Detector.haar,
    threads: ThreadsOption = 0,
    min_face: MinFaceOption = None,
    min_score: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Lowest face score; by default the model's threshold."),
    ] = None,
    fail_on_no_face: Annotated[
        bool, typer.Option("--fail-on-no-face", help="Exit with 3 when a photo has no face.")
    ] = False,
) -> None:
    """Find the faces and their 68 points in photos.

    Draws an overlay of each photo into --output and prints one line per photo.
    """
    from fkd.cli.progress import ProgressBar
    from fkd.inference import batch
    from fkd.inference.records import photo_record
    from fkd.io.files import write_whole
    from fkd.io.images import ImageError
    from fkd.io.text import json_text
    from fkd.models.metadata import ModelError

    predictor = open_predictor(
        model,
        backend=backend.value,
        detector=detector.value,
        threads=threads,
        min_face=min_face,
        min_score=min_score,
    )
    sources, wrong = batch.find_photos(paths, output)
    for message in wrong:
        say(f"fkd: {message}")
    outputs = batch.Outputs(
        output, not as_json, csv=csv, pts=pts, csv_file=csv_file, layers=drawn_layers(draw)
    )
    if conflict := batch.conflict(sources, outputs):
        fail(f"{conflict}; choose another --output or --csv-file")
    if outputs.overlay or csv or pts:
        check_folder(output)
    if csv_file:
        if str(csv_file) == "-":
            fail("--csv-file: - is standard output, which has a line for each photo; name a file")
        if csv_file.is_dir():
            fail(f"{csv_file}: is a folder, not a CSV file")
        check_folder(csv_file.parent)
    needs_input = any(source.place is None for source in sources)
    standard_input = _read_standard_input() if needs_input else None
    failed, without = len(wrong), 0
    rows: list[batch.Row] = []
    with ProgressBar(len(sources), "photos") as bar:
        for source in sources:
            try:
                picture, analysis = batch.analyse(predictor, source, standard_input)
            except ImageError as error:
                failed += 1
                bar.note(f"fkd: {error}")
                continue
            except ModelError as error:
                fail(str(error), 1)
            written = batch.write_outputs(source, picture.pixels, analysis, outputs)
            rows += batch.csv_rows(source, analysis) if csv_file else []
            without += not analysis.faces
            if picture.several:
                bar.note(f"fkd: {source.label}: has several pictures, of which the first is read")
            if as_json:
                record = photo_record(source.label, picture, analysis, model, backend.value)
                bar.result(json_text(record))
            else:
                bar.result(summary(source.label, analysis, written))
    if csv_file:
        write_whole(csv_file, batch.csv_bytes(rows))
    if failed:
        raise typer.Exit(1)
    if fail_on_no_face and without:
        raise typer.Exit(3)


def summary(label: str, analysis: "Analysis", written: list[Path]) -> str:
    """The line that is printed for a photo."""
    faces, skipped = len(analysis.faces), analysis.detections_skipped
    none = f"no face of {analysis.min_face} px or more"
    count = none if not faces else "1 face" if faces == 1 else f"{faces} faces"
    rest = f", {skipped} detections not examined" if skipped else ""
    files = f" -> {', '.join(map(str, written))}" if written else ""
    return f"{label}: {count}{rest}, {sum(analysis.milliseconds.values()):.0f} ms{files}"


def _read_standard_input() -> bytes | None:
    """All of standard input, None when it is closed."""
    if sys.stdin is None or sys.stdin.closed:
        return None
    try:
        return sys.stdin.buffer.read()
    except OSError:
        return None
