"""Commands about models: `fkd info`, `fkd parity`, `fkd score`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import ModelOption, app, fail, tell_licence


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="base, nano, research, or an .onnx file.")] = "base",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a model is, how it is fed, what it scores, and its licence."""
    from fkd.model_info import ModelError, describe, find_model
    from fkd.onnx_model import open_onnx

    try:
        path = find_model(model)
        _, about = open_onnx(path)
    except ModelError as error:
        fail(str(error))
    print(json.dumps(about.to_dict(), indent=2) if as_json else describe(about, path))


@app.command()
def parity(
    checkpoint: Annotated[Path, typer.Argument(help="The torch side.")] = Path("models/model.pt"),
    model: Annotated[Path, typer.Argument(help="The ONNX side.")] = Path("models/model.onnx"),
    faces: Annotated[Path, typer.Option(help="Prepared faces whose crops are compared.")] = Path(
        "data/prepared/test"
    ),
    count: Annotated[int, typer.Option(min=1, help="How many of them.")] = 200,
    tolerance: Annotated[float, typer.Option(help="Largest difference, crop pixels.")] = 0.01,
) -> None:
    """Compare torch with ONNX on real crops; exit with 1 when they differ."""
    from fkd.model_info import ModelError

    try:
        from fkd.training.parity import compare_files
    except ModuleNotFoundError as error:
        fail(f"parity: {error.name} is not installed; pip install 'fkd[train]'")
    try:
        differences = compare_files(checkpoint, model, faces, count)
    except (ModelError, OSError, ValueError) as error:
        fail(str(error))
    for name, pixels in differences.items():
        print(f"{name}: {pixels:.2e}")
    if max(differences.values()) > tolerance:
        fail(f"{model}: differs from {checkpoint} by more than {tolerance} px", 1)


@app.command()
def score(
    root: Annotated[Path, typer.Argument(help="Data sets with points, as data.root.")],
    model: ModelOption = "base",
    everyone: Annotated[
        bool, typer.Option("--all", help="All faces, not only those of the test split.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Score a model on the test faces of labelled data, in annotation and detector boxes."""
    from fkd.datasets.sample import BadDataset
    from fkd.model_info import ModelError, find_model
    from fkd.onnx_model import open_onnx
    from fkd.params import ParamsError
    from fkd.score import score_model, table

    try:
        network, about = open_onnx(find_model(model))
        tell_licence(model, about)
        scores = score_model(root, network, about, everyone)
    except ModuleNotFoundError as error:
        fail(f"score: {error.name} is not installed; pip install 'fkd[train]'")
    except (ModelError, BadDataset, ParamsError) as error:
        fail(str(error))
    print(json.dumps(scores, indent=2) if as_json else table(scores))
