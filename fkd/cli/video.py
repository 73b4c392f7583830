"""`fkd video`: faces and points through a video."""

import math
import os
from contextlib import nullcontext
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
    say,
)

EXIT_CODES = """Exit codes: 0 all frames were read; 1 the video ends before its last frame, what is
there was done; or the output could not be written, and there is none; 2 usage error, or the video,
the model or the output cannot be used, nothing was done; 130 ended by Ctrl-C, the output holds what
was done until then."""


def _finite(value: float | None) -> float | None:
    """The number of an option, which may not be infinite: filtered points would be no numbers."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


@app.command(epilog=EXIT_CODES)
def video(
    source: Annotated[
        str, typer.Argument(help="A video file, or the index of a camera, such as 0.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Video to write, .mp4, with points and ids drawn."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A line of JSON per frame on standard output.")
    ] = False,
    draw: DrawOption = DRAWN,
    model: ModelOption = "base",
    detector: DetectorOption = "neural",
    threads: ThreadsOption = 0,
    min_face: MinFaceOption = None,
    smooth: Annotated[bool, typer.Option(help="One-Euro filter on points and boxes.")] = True,
    min_cutoff: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            callback=_finite,
            help="Of the filter at rest, hertz; lower means less jitter.",
        ),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            min=0,
            callback=_finite,
            help="Of the filter, hertz per face size a second; higher means less lag.",
        ),
    ] = None,
) -> None:
    """Track faces through a video and draw their points, or print them as JSON."""
    from fkd.cli.progress import ProgressBar
    from fkd.inference.overlay import overlay
    from fkd.inference.records import frame_record
    from fkd.inference.tracker import BETA, MIN_CUTOFF, Tracker
    from fkd.inference.video import VideoError, open_video
    from fkd.inference.video_output import check_output, write_video, writes_h264
    from fkd.io.extras import install_hint
    from fkd.io.text import json_text
    from fkd.models.metadata import ModelError

    if output is None and not as_json:
        fail("video: nothing to do; give --output, --json or both")
    layers = drawn_layers(draw)
    predictor = open_predictor(model, detector=detector, threads=threads, min_face=min_face)
    try:
        opened = open_video(source)
        if output:
            check_output(output)
    except VideoError as error:
        fail(str(error))
    if output:
        if os.path.realpath(source) == os.path.realpath(output):
            fail(f"{output}: is the input and would be overwritten; choose another --output")
        check_folder(output.parent)
        if not writes_h264():
            say(
                f"fkd: {output}: will have no sound, a constant frame rate, and a format that "
                f"browsers do not play; with the extra it is H.264: {install_hint('video')}"
            )
    tracker = Tracker(
        predictor,
        smooth=smooth,
        min_cutoff=MIN_CUTOFF if min_cutoff is None else min_cutoff,
        beta=BETA if beta is None else beta,
        rate=opened.rate,
    )
    rate, size = opened.rate, opened.size
    writing = write_video(output, rate, size, sound_of=opened.path) if output else nullcontext()
    before = seconds = 0.0
    try:
        with ProgressBar(opened.frames, "frames") as bar, writing as writer:
            for image, seconds in opened:
                faces = tracker(image, seconds - before)
                before = seconds
                if writer:
                    writer.write(overlay(image, faces, layers), seconds)
                if as_json:
                    skipped, searched = tracker.detections_skipped, tracker.min_face
                    record = frame_record(bar.done, seconds, faces, skipped, searched)
                    bar.result(json_text(record))
                else:
                    bar.step()
            if not bar.done:
                fail(f"{opened.label}: no frame of it can be read")
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except (VideoError, ModelError) as error:
        fail(str(error), 1)
    written = f" -> {output}" if output else ""
    frames = "1 frame" if bar.done == 1 else f"{bar.done} frames"
    say(f"{opened.label}: {frames}, {bar.rate():.0f} a second{written}")
    if writer and writer.sound_fault:
        say(f"fkd: {output}: the sound ends before the end ({writer.sound_fault})")
    if opened.ended_early(bar.done, seconds):
        fail(f"{opened.label}: ends after {bar.done} of {opened.frames} frames", 1)
