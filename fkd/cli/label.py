"""Labels for one's own photos: `fkd label`, `fkd cvat-export`, `fkd cvat-import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fkd.cli.app import (
    DetectorOption,
    MinFaceOption,
    ModelOption,
    app,
    fail,
    open_predictor,
    say,
)

if TYPE_CHECKING:
    from fkd.datasets.cvat import Transfer

LabelledArgument = Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")]
XmlArgument = Annotated[Path, typer.Argument(help="XML file of CVAT for images.")]


@app.command()
def label(
    folder: Annotated[Path, typer.Argument(help="Folder of photos.")],
    model: ModelOption = "base",
    detector: DetectorOption = "haar",
    min_face: MinFaceOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the .pts files that are there.")
    ] = False,
) -> None:
    """Write proposals for labels, a .pts file for each face beside its photo, to be corrected."""
    from fkd.cli.progress import ProgressBar
    from fkd.datasets.labels import labels_by_photo, write_labels
    from fkd.datasets.sample import BadSample
    from fkd.io.folders import photos_below
    from fkd.io.images import ImageError, read_image

    _check_folder(folder)
    (photos, unread), before = photos_below(folder), labels_by_photo(folder)
    for sentence in unread:
        say(f"fkd: {sentence}")
    todo = [photo for photo in photos if force or photo not in before]
    if not photos:
        fail(f"{folder}: no photos in this folder")
    if todo:
        predictor = open_predictor(model, detector=detector, min_face=min_face)
    failed = len(unread)
    with ProgressBar(len(todo), "photos") as bar:
        for photo in todo:
            try:
                points = [face.points for face in predictor(read_image(photo))]
                files = write_labels(photo, points, before.get(photo, ())) if points else []
            except (ImageError, BadSample) as error:
                failed += 1
                named = error if isinstance(error, ImageError) else f"{photo}: {error}"
                bar.note(f"fkd: {named}")
                continue
            bar.result(f"{photo}: {' '.join(file.name for file in files) or 'no face'}")
    if kept := len(photos) - len(todo):
        say(f"fkd: .pts files are already there for {kept} of {len(photos)}; --force replaces them")
    if failed:
        raise typer.Exit(1)


@app.command()
def cvat_export(folder: LabelledArgument, file: XmlArgument) -> None:
    """Write the .pts files of a folder as an XML file that CVAT imports."""
    from fkd.datasets.cvat import cvat_xml
    from fkd.io.files import write_whole

    _check_folder(folder)
    data, done = cvat_xml(folder)
    if done.photos:
        write_whole(file, data)
    _report(done, f"{folder}: no photo with a .pts file beside it")


@app.command()
def cvat_import(file: XmlArgument, folder: LabelledArgument) -> None:
    """Replace the .pts files of a folder by what an XML file that CVAT exported says."""
    from fkd.datasets.cvat import import_cvat
    from fkd.datasets.sample import BadDataset

    _check_folder(folder)
    try:
        done = import_cvat(file, folder)
    except BadDataset as error:
        fail(str(error))
    for name in done.unlabelled:
        say(f"fkd: {name}: has no points in {file}; its .pts files were left as they are")
    _report(done, f"{file}: no face of a photo in {folder}")


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        fail(f"{folder}: is not a folder")


def _report(done: "Transfer", nothing: str) -> None:
    for message in done.wrong:
        say(f"fkd: {message}")
    if not done.photos:
        fail(nothing, 1)
    print(f"faces: {done.faces}, photos: {len(done.photos)}")
    if done.wrong:
        raise typer.Exit(1)
