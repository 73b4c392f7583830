"""What the commands share that go through photos: `fkd infer` and `fkd align`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fkd.cli.app import fail, say

if TYPE_CHECKING:
    from fkd.cli.progress import ProgressBar
    from fkd.inference.batch import Source
    from fkd.inference.predictor import Analysis, Predictor
    from fkd.io.pixels import Picture

EXIT_CODES = """Exit codes: 0 all went well (also when a photo has no face); 1 at least one input
could not be used, the others were done; or a result could not be written, and nothing was done
after it; 2 usage error, or the model, the output or, with --parquet, a source or the cluster cannot
be used, nothing was done; 3 --fail-on-no-face and a photo has no face."""

PhotosArgument = Annotated[
    list[str],
    typer.Argument(help="Photos, folders, globs, http(s) addresses, or - for standard input."),
]
MinScoreOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Lowest face score; by default the model's threshold."),
]
FailOnNoFaceOption = Annotated[
    bool, typer.Option("--fail-on-no-face", help="Exit with 3 when a photo has no face.")
]


class Photos:
    """The photos of a command; what cannot be used is said and counted."""

    def __init__(self, predictor: "Predictor", paths: list[str], output: Path) -> None:
        """paths: as they are typed. output: the folder of the results, which are no photos."""
        from fkd.inference.batch import find_photos

        self.sources, wrong = find_photos(paths, output)
        for message in wrong:
            say(f"fkd: {message}")
        self.predictor = predictor
        self.failed, self.without_face = len(wrong), 0

    def analysed(self, bar: "ProgressBar") -> Iterator[tuple["Source", "Picture", "Analysis"]]:
        """Each photo that can be read, with its faces."""
        from fkd.inference.batch import analyse
        from fkd.io.images import ImageError
        from fkd.models.metadata import ModelError

        needs_input = any(source.place is None for source in self.sources)
        standard_input = _read_standard_input() if needs_input else None
        for source in self.sources:
            try:
                picture, analysis = analyse(self.predictor, source, standard_input)
            except ImageError as error:
                self.reject(str(error), bar)
                continue
            except ModelError as error:
                fail(str(error), 1)
            self.without_face += not analysis.faces
            if picture.several:
                bar.note(f"fkd: {source.label}: has several pictures, of which the first is read")
            yield source, picture, analysis

    def reject(self, reason: str, bar: "ProgressBar") -> None:
        """Say why an input cannot be used."""
        self.failed += 1
        bar.note(f"fkd: {reason}")

    def exit(self, fail_on_no_face: bool) -> None:
        """Leave with the code of what went wrong, if anything did."""
        if self.failed:
            raise typer.Exit(1)
        if fail_on_no_face and self.without_face:
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
