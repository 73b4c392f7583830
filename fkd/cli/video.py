"""`fkd video`: faces and points through a video."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import ModelOption, ThreadsOption, app, fail, open_predictor

EXIT_CODES = """Exit codes: 0 all frames were read; 1 the video ends before its last frame, what is
there was done; 2 usage error, or the video, the model or the output cannot be used; 130 ended by
Ctrl-C, the output holds what was done until then."""


@app.command(epilog=EXIT_CODES)
def video(
    source: Annotated[
        str, typer.Argument(help="A video file, or the index of a camera, such as 0.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Video to write, .mp4, with points drawn.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A line of JSON per frame on standard output.")
    ] = False,
    model: ModelOption = "base",
    threads: ThreadsOption = 0,
    smooth: Annotated[bool, typer.Option(help="One-Euro filter on points and boxes.")] = True,
    min_cutoff: Annotated[
        float | None,
        typer.Option(min=0.01, help="Of the filter at rest, hertz; lower means less jitter."),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of the filter, hertz per face size a second; higher means less lag."
        ),
    ] = None,
) -> None:
    """Track faces through a video and draw their points, or print them as JSON."""
    from fkd.cli.progress import ProgressBar
    from fkd.inference.overlay import overlay
    from fkd.inference.records import frame_record, json_line
    from fkd.inference.tracker import BETA, MIN_CUTOFF, Tracker
    from fkd.inference.video import VideoError, VideoWriter, open_video

    if output is None and not as_json:
        fail("video: nothing to do; give --output, --json or both")
    predictor = open_predictor(model, threads=threads)
    try:
        opened = open_video(source)
        if output is not None and Path(source).resolve() == output.resolve():
            fail(f"{output}: is the input and would be overwritten; choose another --output")
        tracker = Tracker(
            predictor,
            smooth=smooth,
            min_cutoff=MIN_CUTOFF if min_cutoff is None else min_cutoff,
            beta=BETA if beta is None else beta,
            rate=opened.rate,
        )
        writer = VideoWriter(output, opened.rate, opened.size) if output else None
    except VideoError as error:
        fail(str(error))
    bar = ProgressBar(opened.frames, "frames")
    try:
        with writer or nullcontext():
            for frame in opened:
                faces = tracker(frame)
                if writer:
                    writer.write(overlay(frame, [(face.box, face.points) for face in faces]))
                if as_json:
                    bar.result(json_line(frame_record(bar.done, bar.done / opened.rate, faces)))
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
        fail(f"{opened.label}: no frame of it can be read")
    written = f" -> {output}" if output else ""
    print(f"{opened.label}: {bar.done} frames, {bar.rate():.0f} a second{written}", file=sys.stderr)
    # Some containers do not count; their number is the length times the rate, a little off.
    if opened.frames and bar.done < opened.frames - opened.rate:
        fail(f"{opened.label}: ends after {bar.done} of {opened.frames} frames", 1)
