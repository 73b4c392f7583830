"""The command line's root: what every command shares."""

import errno
import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import fkd
from fkd.io.files import STANDARD_OUTPUT, reason, sentence
from fkd.io.text import printable

if TYPE_CHECKING:
    from fkd.inference.predictor import Predictor
    from fkd.models.metadata import ModelInfo


class Commands(TyperGroup):
    """All commands: what could not be written is one sentence, whichever command it was."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Parse, run and exit; with 1 where a file or standard output could not be written."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # of what its encoding has not
        try:
            try:
                return super().main(*arguments, **options)
            finally:
                if sys.stdout:
                    sys.stdout.flush()  # here, as Python says nothing useful at its own end
        except OSError as error:
            error.filename = error.filename or STANDARD_OUTPUT
            if error.filename == STANDARD_OUTPUT:
                sys.stdout = io.StringIO()  # what is left in the old one goes nowhere
            if error.errno != errno.EPIPE:  # whoever closed a pipe knows
                say(f"fkd: {sentence(error)}")
            sys.exit(1)


app = typer.Typer(
    cls=Commands,
    help="68 facial keypoints in photos and videos.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ModelOption = Annotated[
    str,
    typer.Option(
        help="base, nano (smaller, faster), research (more accurate, for research use only), "
        "the path of an .onnx file, or a version of an MLflow registry: models:/fkd@champion."
    ),
]


DETECTOR_NAMES = ("haar", "neural", "none")


def _checked_detector(name: str) -> str:
    if name not in DETECTOR_NAMES and not name.endswith(".onnx"):
        known = ", ".join(DETECTOR_NAMES)
        raise typer.BadParameter(f"{name!r} is not one of {known}, nor a detector's .onnx file")
    return name


DetectorOption = Annotated[
    str,
    typer.Option(
        envvar="FKD_DETECTOR",
        callback=_checked_detector,
        help="haar: OpenCV's Haar cascade, upright faces from the front; neural: a network, faces "
        "at any angle and profiles; none: each picture is one face that fills it; or the .onnx "
        "file of your own detector.",
    ),
]
MinFaceOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Smallest face, pixels, taken as 8 (haar: as 24) where it is less; by default 2.5% of "
        "the longer side (haar: 5.5%, but not much smaller than a face that it is confident of), "
        "and where there is none smaller ones, as far as three seconds allow.",
    ),
]
DRAWN = "box,contours,points,ids"
DrawOption = Annotated[
    str,
    typer.Option(
        help="What is drawn, separated by commas: box, contours, points (rings where something "
        "hides them), axes of the head, ids in a video."
    ),
]
ThreadsOption = Annotated[
    int, typer.Option(min=0, help="Threads of network and detector; 0: the libraries' default.")
]


def fail(message: str, code: int = 2) -> NoReturn:
    """One sentence on standard error, and out."""
    say(f"fkd: {message}")
    raise typer.Exit(code)


def say(line: str) -> None:
    """A line on standard error, with nothing in it that a terminal would obey."""
    if sys.stderr:  # it can be closed, and then it is None
        print(printable(line), file=sys.stderr)


def drawn_layers(draw: str) -> tuple[str, ...]:
    """The layers that --draw names, or one sentence and out."""
    from fkd.inference.overlay import layers_of

    try:
        return layers_of(draw)
    except ValueError as error:
        fail(f"--draw: {error}")


def check_folder(folder: Path) -> None:
    """Stop before any work when nothing could be written into a folder, which is made."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fail(f"{folder}: cannot write there ({reason(error)})")


def open_predictor(model: str, **options: Any) -> "Predictor":
    """The model, its version in a registry said, and its licence where it is not the code's; or
    one sentence and out."""
    from fkd.inference.predictor import LicenceWarning, Predictor
    from fkd.models.metadata import ModelError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LicenceWarning)
            predictor = Predictor(model, **options)
    except ModelError as error:
        fail(str(error))
    if predictor.version and predictor.version != model:
        say(f"fkd: {model} is {predictor.version}")
    print_licence(model, predictor.info)
    return predictor


def print_licence(model: str, info: "ModelInfo") -> None:
    """Say the licence of a model's weights where it is not that of the code."""
    if info.licence_notice:
        say(f"fkd: {model}: {info.licence_notice}")


def _show_version(asked: bool) -> None:
    if asked:
        print(f"fkd {fkd.__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show and exit."),
    ] = False,
) -> None:
    """68 facial keypoints in photos and videos."""
    # What Pillow warns of, such as damaged EXIF data, does not keep a picture from being read.
    warnings.filterwarnings("ignore", module="PIL")
