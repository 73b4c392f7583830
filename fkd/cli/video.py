"""`fkd video`: faces and points through a film."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import ModelOption, ThreadsOption, app, fail, open_predictor

EXIT_CODES = """Exit codes: 0 all frames were read; 1 the film ends before its last frame, what is
there was done; 2 wrong use, or the film, the model or the output cannot be used; 130 ended by
Ctrl-C, the output holds what was done until then."""


@app.command(epilog=EXIT_CODES)
def video(
    source: Annotated[str, typer.Argument(help="A film, or the index of a camera, such as 0.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Film to write, .mp4, points drawn.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A line of JSON a frame on standard output.")
    ] = False,
    model: ModelOption = "base",
    threads: ThreadsOption = 0,
    smooth: Annotated[bool, typer.Option(help="One-Euro filter on points and boxes.")] = True,
    cutoff: Annotated[
        float | None,
        typer.Option(min=0.01, help="Of the filter at rest, hertz; lower is steadier."),
    ] = None,
    speed_gain: Annotated[
        float | None,
        typer.Option(min=0, help="Hertz for each face size a second; higher follows quicker."),
    ] = None,
) -> None:
    """Follow faces through a film and draw their points, or print them as JSON."""
    from fkd.draw import overlay
    from fkd.progress import PhotoBar
    from fkd.track import CUTOFF, SPEED_GAIN, Tracker
    from fkd.video import FilmWriter, VideoError, json_line, open_film

    if output is None and not as_json:
        fail("video: nothing to do; give --output, --json or both")
    predictor = open_predictor(model, threads=threads)
    try:
        film = open_film(source)
        if output is not None and Path(source).resolve() == output.resolve():
            fail(f"{output}: is the input and would be overwritten; choose another --output")
        tracker = Tracker(
            predictor,
            smooth=smooth,
            cutoff=CUTOFF if cutoff is None else cutoff,
            speed_gain=SPEED_GAIN if speed_gain is None else speed_gain,
            rate=film.rate,
        )
        writer = FilmWriter(output, film.rate, film.size) if output else None
    except VideoError as error:
        fail(str(error))
    bar = PhotoBar(film.frames or sys.maxsize, "frames")
    try:
        with writer or nullcontext():
            for frame in film:
                faces = tracker(frame)
                if writer:
                    writer.write(overlay(frame, [(face.box, face.points) for face in faces]))
                if as_json:
                    bar.result(json_line(bar.done, bar.done / film.rate, faces))
                else:
                    bar.step()
    except KeyboardInterrupt:
        bar.close()
        raise typer.Exit(130) from None
    except (VideoError, OSError) as error:
        bar.close()
        fail(str(error))
    bar.close()
    if not bar.done:
        fail(f"{film.label}: no frame of it can be read")
    written = f" -> {output}" if output else ""
    print(f"{film.label}: {bar.done} frames, {bar.rate():.0f} a second{written}", file=sys.stderr)
    # Some containers do not count; their number is the length times the rate, a little off.
    if film.frames and bar.done < film.frames - film.rate:
        fail(f"{film.label}: ends after {bar.done} of {film.frames} frames", 1)
