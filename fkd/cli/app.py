"""The command line's root: what every command shares."""

import sys
import warnings
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import fkd

if TYPE_CHECKING:
    from fkd.inference.predictor import Predictor
    from fkd.models.metadata import ModelInfo

app = typer.Typer(
    help="68 facial keypoints in photos and videos.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ModelOption = Annotated[
    str,
    typer.Option(
        help="base, nano (smaller, faster), research (more accurate, for research use only), or "
        "the path of an .onnx file."
    ),
]


ThreadsOption = Annotated[
    int, typer.Option(min=0, help="Threads of network and detector; 0: the libraries' default.")
]


def fail(message: str, code: int = 2) -> NoReturn:
    """One sentence on standard error, and out."""
    print(f"fkd: {message}", file=sys.stderr)
    raise typer.Exit(code)


def open_predictor(model: str, **options: Any) -> "Predictor":
    """The model, its licence said where it is not the code's; or one sentence and out."""
    from fkd.inference.predictor import LicenceWarning, Predictor
    from fkd.models.metadata import ModelError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LicenceWarning)
            predictor = Predictor(model, **options)
    except ModelError as error:
        fail(str(error))
    print_licence(model, predictor.info)
    return predictor


def print_licence(model: str, info: "ModelInfo") -> None:
    """Say the licence of a model's weights where it is not that of the code."""
    if info.licence_notice:
        print(f"fkd: {model}: {info.licence_notice}", file=sys.stderr)


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
