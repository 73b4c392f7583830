"""Commands about models: `fkd info`, `fkd parity`, `fkd score`."""

from pathlib import Path
from typing import Annotated

import typer

from fkd.cli.app import DetectorOption, ModelOption, app, fail, print_licence, say
from fkd.io.files import sentence
from fkd.io.text import json_text


@app.command()
def info(
    model: Annotated[
        str, typer.Argument(help="base, nano, research, detector, or an .onnx file.")
    ] = "base",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a model is, its input, its scores and its licence."""
    from fkd.models.detector import open_detector
    from fkd.models.metadata import ModelError, describe
    from fkd.models.session import open_onnx
    from fkd.models.zoo import DETECTOR, find_model

    try:
        if model == "detector":
            detector = open_detector(DETECTOR)[1]
            print(json_text(detector.to_dict(), 2) if as_json else detector.describe(DETECTOR))
            return
        path = find_model(model)
        _, about = open_onnx(path)
    except ModelError as error:
        fail(str(error))
    print(json_text(about.to_dict(), 2) if as_json else describe(about, path))


@app.command()
def parity(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of torch, .pt.")] = Path(
        "models/model.pt"
    ),
    model: Annotated[Path, typer.Argument(help="Exported model, .onnx.")] = Path(
        "models/model.onnx"
    ),
    faces: Annotated[Path, typer.Option(help="Prepared faces whose crops are compared.")] = Path(
        "data/prepared/test"
    ),
    count: Annotated[int, typer.Option(min=1, help="How many of them.")] = 200,
    tolerance_px: Annotated[
        float, typer.Option(min=0, help="Largest difference of points and depth, crop pixels.")
    ] = 0.01,
    tolerance_probability: Annotated[
        float, typer.Option(min=0, help="Largest difference of confidence, score and visibility.")
    ] = 0.001,
    tolerance_degrees: Annotated[
        float, typer.Option(min=0, help="Largest difference of the pose, degrees.")
    ] = 0.01,
) -> None:
    """Compare torch with ONNX on prepared faces; exit with 1 when they differ."""
    from fkd.models.metadata import ModelError

    try:
        from fkd.training.parity import compare_files
    except ModuleNotFoundError as error:
        from fkd.io.extras import install_hint

        fail(f"parity: {error.name} is not installed; {install_hint('train')}")
    try:
        compared = compare_files(checkpoint, model, faces, count)
    except OSError as error:
        fail(sentence(error))
    except (ModelError, ValueError) as error:
        fail(str(error))
    print(
        f"{compared.crops} crops: points differ by at most {compared.max_abs_diff_px:.2e} px, "
        f"probabilities by {compared.max_abs_diff_probability:.2e}, "
        f"the pose by {compared.max_abs_diff_degrees:.2e} degrees"
    )
    if not compared.passed(tolerance_px, tolerance_probability, tolerance_degrees):
        fail(
            f"{model}: differs from {checkpoint} by more than {tolerance_px} px, "
            f"{tolerance_probability} in probability or {tolerance_degrees} degrees",
            1,
        )


@app.command()
def score(
    root: Annotated[Path, typer.Argument(help="A data set, or a folder of data sets.")],
    model: ModelOption = "base",
    detector: DetectorOption = "haar",
    everyone: Annotated[
        bool, typer.Option("--all", help="All faces, not only those of the test split.")
    ] = False,
    params: Annotated[
        Path | None,
        typer.Option(
            help="params.yaml of a training whose split and threshold to use; by default those "
            "of the packaged models."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Score a model on labelled faces: in annotation boxes, in detector boxes, and end to end."""
    from fkd.datasets.params import DEFAULT_PREPARE, PrepareParams
    from fkd.datasets.sample import BadDataset
    from fkd.detection.registry import open_named
    from fkd.evaluation.benchmark import left_out, score_model, table
    from fkd.evaluation.scoring import NME_THRESHOLD, EvaluateParams
    from fkd.io.config import ConfigError, load_section
    from fkd.models.metadata import ModelError
    from fkd.models.session import open_onnx
    from fkd.models.zoo import find_model

    if detector == "none":
        fail("score: --detector none searches for no face; name haar or neural, or an .onnx file")
    try:
        prepare, threshold = DEFAULT_PREPARE, NME_THRESHOLD
        if params:
            prepare = load_section(PrepareParams, params, "prepare")
            threshold = load_section(EvaluateParams, params, "evaluate").nme_threshold
        opened, about = open_onnx(find_model(model))
        print_licence(model, about)
        figures, rejected = score_model(
            root, opened, about, prepare, threshold, open_named(detector), everyone
        )
    except ModuleNotFoundError as error:
        from fkd.io.extras import install_hint

        fail(f"score: {error.name} is not installed; {install_hint('train')}")
    except (ModelError, BadDataset, ConfigError) as error:
        fail(str(error))
    if rejected:
        say(f"fkd: {root}: {left_out(rejected)}")
    print(json_text(figures, 2) if as_json else table(figures))
