"""The command line's root: what every command shares."""

import sys
from typing import Annotated, NoReturn

import typer

import fkd

app = typer.Typer(
    help="68 facial keypoints from photos.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ModelOption = Annotated[
    str, typer.Option(help="Packaged model (base), or the path of an .onnx file.")
]


ThreadsOption = Annotated[
    int, typer.Option(min=0, help="Of the network and the detector; 0: their own choice.")
]


def fail(message: str, code: int = 2) -> NoReturn:
    """One sentence on standard error, and out."""
    print(f"fkd: {message}", file=sys.stderr)
    raise typer.Exit(code)


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
    """68 facial keypoints from photos."""
