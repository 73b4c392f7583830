"""Labels as the XML file that CVAT imports and exports, "CVAT for images 1.1".

A face is one `<points>` element of 68 points in their order, for which a task in CVAT needs nothing
but a label called `face`. CVAT counts from the corner of the first pixel, and not from its centre.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from fkd.datasets.labels import labels_by_photo, write_labels
from fkd.datasets.named_photo import named_photo
from fkd.datasets.sample import BadDataset, BadSample, check_name
from fkd.geometry import Points
from fkd.io.files import reason
from fkd.io.images import ImageError, read_image
from fkd.io.pts import read_pts
from fkd.io.text import printable, shortened
from fkd.landmarks import PointsError, check_points

LABEL = "face"
CENTRE = 0.5  # of the first pixel, where CVAT counts from its corner
MAX_BYTES = 20_000_000  # a face takes a thousand
MAX_NAME = 100  # characters of a photo's name in a message


@dataclass
class Transfer:
    """What became of the photos on their way from or to CVAT. faces: how many of `photos`.
    unlabelled: photos without points, which were left as they are. wrong: a sentence about each
    that could not be used.
    """

    photos: list[Path] = field(default_factory=list)
    faces: int = 0
    unlabelled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def cvat_xml(folder: Path) -> tuple[bytes, Transfer]:
    """The XML of all photos under a folder that have labels, and what became of them."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    done = Transfer()
    for photo, files in labels_by_photo(folder).items():
        name = photo.relative_to(folder).as_posix()
        try:
            check_name(name)
            height, width = read_image(photo).shape[:2]
            faces = [read_pts(file) for file in files]
        except (BadSample, ImageError, PointsError) as error:
            done.wrong.append(_sentence(name, error))
            continue
        attributes = {"id": str(len(done.photos)), "name": name}
        size = {"width": str(width), "height": str(height)}
        _add_faces(ElementTree.SubElement(root, "image", attributes | size), faces)
        done.photos.append(photo)
        done.faces += len(faces)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), done


def _add_faces(image: ElementTree.Element, faces: Iterable[Points]) -> None:
    for points in faces:
        written = ";".join(f"{x:.3f},{y:.3f}" for x, y in points + CENTRE)
        shape = {"label": LABEL, "source": "auto", "occluded": "0", "points": written}
        ElementTree.SubElement(image, "points", {**shape, "z_order": "0"})


def import_cvat(file: Path, folder: Path) -> Transfer:
    """Replace the labels of the photos under a folder by those of a file that CVAT exported.

    A photo without points in the file, or with a face that has not 68, keeps its labels. Raises
    BadDataset for another file, OSError where labels cannot be written.
    """
    before, done = labels_by_photo(folder), Transfer()
    for name, shapes in read_images(file):
        try:
            photo = named_photo(folder, name)
            if not photo.is_file():
                raise BadSample(f"is not in {folder}")
            faces = [parse_points(shape) for shape in shapes]
            if not faces:
                done.unlabelled.append(_short(name))
                continue
            write_labels(photo, faces, before.get(photo, ()))
        except (BadSample, PointsError) as error:
            done.wrong.append(_sentence(name, error))
            continue
        done.photos.append(photo)
        done.faces += len(faces)
    return done


def parse_points(text: str) -> Points:
    """The points of a `<points>` element, float32 (68, 2), 0-based. Raises PointsError."""
    try:
        pairs = [pair.split(",") for pair in text.split(";")]
        numbers = [(float(x), float(y)) for x, y in pairs]
    except ValueError:
        raise PointsError("a point is not two numbers") from None
    return check_points(np.array(numbers) - CENTRE)


def read_images(file: Path) -> list[tuple[str, list[str]]]:
    """The name of each `<image>` of a file, and the text of its `<points>`. Raises BadDataset."""
    images: list[tuple[str, list[str]]] = []

    def on_element(tag: str, attributes: dict[str, str]) -> None:
        if tag == "image":
            images.append((attributes.get("name", ""), []))
        elif tag == "points" and images:
            images[-1][1].append(attributes.get("points", ""))

    def on_doctype(*_: object) -> NoReturn:  # only with one can a small file become large
        raise BadDataset(f"{file}: has a document type, which no file of CVAT has")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = on_element, on_doctype
    data = _bytes(file)
    try:
        parser.Parse(data, True)
    except BadDataset:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: of an encoding
        raise BadDataset(f"{file}: is not an XML file ({error})") from None
    if not images:
        raise BadDataset(f"{file}: has no images; export the task as CVAT for images 1.1")
    return images


def _bytes(file: Path) -> bytes:
    if not file.is_file():  # opening a pipe would wait for its other end
        raise BadDataset(f"{file}: is not a file")
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadDataset(f"{file}: {reason(error)}") from None
    if len(data) > MAX_BYTES:
        raise BadDataset(f"{file}: is longer than {MAX_BYTES} bytes")
    return data


def _sentence(name: str, error: ValueError) -> str:
    # An ImageError names the photo itself.
    text = str(error) if isinstance(error, ImageError) else f"{_short(name)}: {error}"
    return printable(text)


def _short(name: str) -> str:
    return shortened(printable(name), MAX_NAME)
