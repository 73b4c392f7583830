"""Labels for one's own photos: proposals, files for CVAT and back, and what a data set reads."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.datasets.cvat import import_cvat, read_images
from fkd.datasets.labels import write_labels
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset, BadSample
from fkd.io.pts import format_pts, read_pts

FACE = (np.arange(136).reshape(68, 2) % 60 + 10.25).astype(np.float32)
GREY = np.full((90, 120, 3), 128, np.uint8)


def save(path: Path, image: np.ndarray = GREY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(path.suffix, image)
    path.write_bytes(data.tobytes())
    return path


def fkd(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.pts")}


def labels(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.pts")}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A photo with two faces, one without, one that is broken, and one in a folder below."""
    astronaut = cv2.imread(str(ASTRONAUT))
    folder = tmp_path / "mine"
    save(folder / "two.png", np.hstack([astronaut, astronaut]))
    save(folder / "none.JPG")
    (folder / "broken.jpg").write_bytes(b"rubbish")
    (folder / "below").mkdir()
    shutil.copy(ASTRONAUT, folder / "below" / "one.png")
    return folder


def test_proposals_are_what_the_predictor_finds_and_a_data_set_reads_them(photos):
    done = fkd("label", photos)
    assert done.exit_code == 1 and "broken.jpg: not a picture" in done.stderr
    assert f"{photos / 'none.JPG'}: no face\n" in done.stdout
    assert names(photos) == {"two.pts", "two.face2.pts", "one.pts"}
    found = Predictor()(cv2.imread(str(photos / "two.png")))
    samples = {s.name: s for s in read_root(photos)}
    for name, face in zip(["two", "two.face2"], found, strict=True):
        image, points, _ = samples[name].read()
        assert image.shape == (512, 1024, 3)
        np.testing.assert_allclose(points, face.points, atol=1e-3)
    assert samples["two"].identity == samples["two.face2"].identity
    assert samples["two"].identity != samples["below/one"].identity


def test_labels_that_are_there_stay_unless_forced(photos):
    (photos / "two.face2.pts").write_text("mine")
    kept = fkd("label", photos)
    assert ".pts files are already there for 1 of 4; --force replaces them" in kept.stderr
    assert names(photos) == {"two.face2.pts", "one.pts"}
    assert (photos / "two.face2.pts").read_text() == "mine"
    (photos / "two.face3.pts").write_text("of a face that is none")
    fkd("label", photos, "--force")
    assert names(photos) == {"two.pts", "two.face2.pts", "one.pts"}
    assert len(read_pts(photos / "two.face2.pts")) == 68


def test_a_photo_that_cannot_have_its_own_labels_is_named_with_the_one_that_has_them(photos):
    shutil.copy(photos / "below" / "one.png", photos / "below" / "one.webp")
    done = fkd("label", photos / "below")
    webp = photos / "below" / "one.webp"
    assert done.exit_code == 1 and names(photos) == {"one.pts"}
    assert done.stderr == f"fkd: {webp}: one.pts would label one.png; rename the photo\n"


def test_hidden_labels_as_macos_writes_them_are_of_no_face(photos):
    fkd("label", photos)
    for name in ("._two.png", "._two.pts"):
        (photos / name).write_bytes(b"\0\5\x16\7")
    assert {sample.name for sample in read_root(photos)} == {"two", "two.face2", "below/one"}


def test_a_folder_that_is_none_and_one_without_photos_are_one_sentence(tmp_path):
    for folder, reason in ((tmp_path / "gone", "is not a folder"), (tmp_path, "no photos in this")):
        done = fkd("label", folder)
        assert done.exit_code == 2 and done.stderr.startswith(f"fkd: {folder}: {reason}")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("photo", "other", "reason"),
    [
        ("a.png", "a.jpg", "a.pts would label a.jpg"),
        ("a.Jpg", None, "a.pts would find no photo"),
        ("a.jpg", "a.face2.jpg", "a.face2.pts would label a.face2.jpg"),
    ],
)
def test_labels_that_a_data_set_would_give_to_another_photo_are_refused(
    tmp_path, photo, other, reason
):
    if other:
        save(tmp_path / other)
    with pytest.raises(BadSample, match=re.escape(reason)):
        write_labels(save(tmp_path / photo), [FACE, FACE])
    assert not names(tmp_path)


def test_what_is_exported_to_cvat_comes_back_the_same(photos, tmp_path):
    fkd("label", photos)
    before, file = labels(photos), tmp_path / "annotations.xml"
    done = fkd("cvat-export", photos, file)
    assert done.exit_code == 0 and done.stdout == "faces: 3, photos: 2\n", done.output
    for path in photos.rglob("*.pts"):
        path.write_text(format_pts(FACE))
    done = fkd("cvat-import", file, photos)
    assert done.exit_code == 0 and done.stdout == "faces: 3, photos: 2\n", done.output
    assert labels(photos) == before and len(before) == 3


def test_the_exported_file_has_what_cvat_reads(tmp_path):
    """The attributes that CVAT's importer asks for, and coordinates from the corner of a pixel."""
    from xml.etree import ElementTree

    write_labels(save(tmp_path / "a & b.jpg"), [FACE])
    fkd("cvat-export", tmp_path, tmp_path / "a.xml")
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    (image,) = root.findall("image")
    assert root.tag == "annotations" and root.findtext("version") == "1.1"
    assert image.attrib == {"id": "0", "name": "a & b.jpg", "width": "120", "height": "90"}
    (shape,) = image.findall("points")
    assert shape.get("label") == "face" and shape.get("occluded") == "0"
    assert shape.get("points", "").startswith("10.750,11.750;12.750,13.750;")
    assert shape.get("points", "").count(";") == 67


def xml(*images: tuple[str, list[str]]) -> str:
    """As CVAT exports it: with meta data, and shapes of other kinds."""
    lines = ["<?xml version='1.0' encoding='utf-8'?>", "<annotations><meta><task/></meta>"]
    for number, (name, faces) in enumerate(images):
        lines.append(f'<image id="{number}" name="{name}" width="120" height="90">')
        lines += ['<box label="face" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9"></box>']
        lines += [f'<points label="face" occluded="0" points="{face}"></points>' for face in faces]
        lines.append("</image>")
    return "\n".join([*lines, "</annotations>"])


GOOD = ";".join(f"{x + 0.5:.2f},{y + 0.5:.2f}" for x, y in FACE)


def test_a_bad_photo_of_an_import_is_listed_and_the_others_go_on(tmp_path):
    folder, file = tmp_path / "mine", tmp_path / "a.xml"
    for name in ("good", "moved", "empty"):
        write_labels(save(folder / f"{name}.jpg"), [FACE + 1, FACE])
    save(tmp_path / "secret.jpg")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    bad = {
        "moved.jpg": [GOOD, GOOD.rpartition(";")[0]],
        "gone.jpg": [GOOD],
        "../secret.jpg": [GOOD],
        "link.jpg": [GOOD],
        "": [GOOD],
        "n" * 999: [GOOD],
        "x&#10;y.jpg": [GOOD],
    }
    file.write_text(xml(*bad.items(), ("empty.jpg", []), ("good.jpg", [GOOD])))
    done = fkd("cvat-import", file, folder)
    assert done.exit_code == 1 and done.stdout == "faces: 1, photos: 1\n"
    said = done.stderr.splitlines()
    assert len(said) == len(bad) + 1 and all(len(line) <= 300 for line in said)
    for reason in (
        "empty.jpg: has no points",
        "moved.jpg: 67 points instead of 68",
        f"gone.jpg: is not in {folder}",
        "../secret.jpg: the name leads out of the data set",
        "link.jpg: the name leads out of the data set",
        "the name is that of a folder",
        "the name has 999 characters",
        r"x\ny.jpg: the name has characters that cannot be shown",
    ):
        assert any(reason in line for line in said), reason
    pairs = {f"{name}{of}.pts" for name in ("moved", "empty") for of in ("", ".face2")}
    assert names(tmp_path) == {"good.pts", *pairs}
    np.testing.assert_allclose(read_pts(folder / "good.pts"), FACE, atol=1e-3)
    np.testing.assert_allclose(read_pts(folder / "moved.pts"), FACE + 1, atol=1e-3)


@pytest.mark.parametrize(
    "text", ["", "1,2", "nan,1;" * 67 + "nan,1", "1e300,1;" * 67 + "1,1", "1,2,3", "a,b", ";" * 67]
)
def test_points_that_are_none_are_a_reason(tmp_path, text):
    save(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_text(xml(("a.jpg", [text])))
    done = import_cvat(tmp_path / "a.xml", tmp_path)
    assert len(done.wrong) == 1 and done.wrong[0].startswith("a.jpg: ") and not done.photos


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f"{BOMB}<annotations>&b;</annotations>".encode(), "has a document type"),
        (f"{BOMB}<annotations/>".encode("utf-16"), "has a document type"),
        (b"PK\3\4", "is not an XML file"),
        (b"<annotations><image>", "is not an XML file"),
        (b"<?xml version='1.0' encoding='x-none'?><annotations/>", "is not an XML file"),
        (b"<?xml version='1.0' encoding='shift_jis'?><annotations/>", "is not an XML file"),
        (b"<annotations><track label='face'/></annotations>", "has no images; export the task"),
        (b" " * 20_000_001, "is longer than 20000000 bytes"),
    ],
)
def test_a_file_that_is_not_of_cvat_is_one_sentence(tmp_path, data, reason):
    file = tmp_path / "a.xml"
    file.write_bytes(data)
    with pytest.raises(BadDataset, match=f"^{re.escape(str(file))}: {reason}"):
        read_images(file)


def test_what_has_no_labels_exports_nothing(tmp_path):
    save(tmp_path / "a.jpg")
    done = fkd("cvat-export", tmp_path, tmp_path / "a.xml")
    assert done.exit_code == 1 and "no photo with a .pts file beside it" in done.stderr
    assert not (tmp_path / "a.xml").exists()
