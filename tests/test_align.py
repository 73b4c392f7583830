"""`fkd align`: the pictures of faces that it writes, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT
from typer.testing import CliRunner

from fkd import Predictor, face_chip
from fkd.cli import app
from fkd.cli.align import Template
from fkd.geometry.chip import MAX_MARGIN, MAX_SIZE
from fkd.geometry.chip_templates import TEMPLATES
from fkd.inference import batch


def align(*arguments: object, **options):
    return CliRunner().invoke(app, ["align", *(str(a) for a in arguments)], **options)


@pytest.fixture
def two(tmp_path: Path, astronaut) -> Path:
    """A photo with two faces, in a folder of photos."""
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "two.png"), np.hstack([astronaut, astronaut]))
    return tmp_path / "photos" / "two.png"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_face_is_written_as_the_library_cuts_it_in_colour(tmp_path, astronaut, template):
    options = ("--size", 80, "--margin", 0.1, "--template", template)
    done = align(ASTRONAUT, "-o", tmp_path / "out", *options)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{ASTRONAUT}: 1 face, ") and done.stdout.count("\n") == 1
    assert done.stdout.endswith(f" -> {tmp_path}/out/astronaut.png\n")
    (face,) = Predictor()(astronaut)
    chip = face_chip(astronaut, face, 80, 0.1, template)
    written = cv2.imread(str(tmp_path / "out" / "astronaut.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(written, chip.pixels)


def test_json_is_a_line_for_each_face_with_its_file_and_transform(two, tmp_path):
    done = align(two, "--json", "-o", tmp_path / "out")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    files = [str(tmp_path / "out" / name) for name in ("two.png", "two.face2.png")]
    assert [line["chip"] for line in lines] == files
    image = cv2.imread(str(two))
    for number, (line, face) in enumerate(zip(lines, Predictor()(image), strict=True)):
        assert (line["schema"], line["image"], line["face"]) == (2, str(two), number)
        chip = face_chip(image, face)
        np.testing.assert_allclose(line["transform"], chip.transform)
        np.testing.assert_array_equal(cv2.imread(line["chip"]), chip.pixels)


def test_a_photo_without_a_face_gives_no_file_and_no_json_line(tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 180, np.uint8))
    wall, out = tmp_path / "wall.png", tmp_path / "out"
    done = align(wall, "-o", out)
    assert done.exit_code == 0 and "wall.png: no face of 24 px or more, " in done.stdout
    done = align(wall, "-o", out, "--json", "--fail-on-no-face")
    assert done.exit_code == 3 and done.stdout == "" and names(out) == []


def test_photos_whose_faces_would_have_one_name_get_one_each(two, tmp_path, astronaut):
    for name in ("two.face2.jpg", "two.tif"):
        cv2.imwrite(str(two.with_name(name)), astronaut)
    done = align(two.parent, "-o", tmp_path / "out", "--json")
    files = [json.loads(line)["chip"] for line in done.stdout.splitlines()]
    assert len(set(files)) == 4 and names(tmp_path / "out") == sorted(Path(f).name for f in files)


@pytest.mark.parametrize("other", ["two.face2.png", "two.face3.png"])
def test_a_photo_is_not_overwritten_by_another_s_face_of_any_number(two, other, astronaut):
    cv2.imwrite(str(two.with_name(other)), astronaut)
    cv2.imwrite(str(two.with_suffix(".jpg")), cv2.imread(str(two)))
    two.unlink()
    before = two.with_name(other).read_bytes()
    refused = align(two.with_suffix(".jpg"), two.with_name(other), "-o", two.parent)
    assert refused.exit_code == 2 and f"{other}: is an input and would be over" in refused.stderr
    assert two.with_name(other).read_bytes() == before and not two.exists()


def test_a_bad_input_is_one_sentence_and_the_others_go_on(two, tmp_path):
    two.with_name("broken.jpg").write_bytes(b"text")
    done = align(two.parent, tmp_path / "gone.jpg", "-o", tmp_path / "out")
    assert done.exit_code == 1 and len(done.stdout.splitlines()) == 1
    broken, gone = done.stderr.splitlines()
    assert "broken.jpg: not a picture" in broken and "gone.jpg: no such file" in gone
    assert names(tmp_path / "out") == ["two.face2.png", "two.png"]


def test_points_that_are_no_face_are_one_sentence_and_the_other_faces_go_on(
    two, tmp_path, monkeypatch
):
    def first_collapsed(*arguments):
        picture, analysis = analyse(*arguments)
        faces = [replace(analysis.faces[0], points=np.full((68, 2), 9, np.float32))]
        return picture, replace(analysis, faces=faces + analysis.faces[1:])

    analyse = batch.analyse
    monkeypatch.setattr(batch, "analyse", first_collapsed)
    done = align(two, "-o", tmp_path / "out")
    said = "the points that template 'eyes' aligns lie within a pixel"
    assert done.exit_code == 1 and done.stderr == f"fkd: {two}: face 0: {said}\n"
    assert names(tmp_path / "out") == ["two.face2.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--template", "mtcnn"], "mtcnn"),
        (["--size", "0"], "--size"),
        (["--size", f"{MAX_SIZE + 1}"], "--size"),
        (["--margin", f"{MAX_MARGIN + 0.1}"], "--margin"),
        (["--margin", "nan"], "--margin"),
        (["--model", "gone.onnx"], "gone.onnx: no such model"),
        (["-o", f"{ASTRONAUT}"], "cannot write there"),
        (["-o", f"{ASTRONAUT.parent}"], "astronaut.png: is an input and would be overwritten"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_exits_with_two(tmp_path, arguments, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = align(ASTRONAUT, *arguments)
    assert done.exit_code == 2 and message in done.stderr and done.stdout == ""


def test_the_largest_size_and_margin_and_every_template_of_the_library_are_allowed(tmp_path):
    assert set(Template) == set(TEMPLATES)
    done = align(ASTRONAUT, "-o", tmp_path, "--size", MAX_SIZE, "--margin", MAX_MARGIN)
    assert done.exit_code == 0, done.output
    assert cv2.imread(str(tmp_path / "astronaut.png")).shape == (MAX_SIZE, MAX_SIZE, 3)


def test_a_face_that_does_not_fit_on_the_disk_is_named_and_leaves_nothing(tmp_path, small_files):
    with small_files(1000):
        done = align(ASTRONAUT, "-o", tmp_path)
    assert done.stderr == f"fkd: {tmp_path}/astronaut.png: file too large\n"
    assert done.exit_code == 1 and list(tmp_path.iterdir()) == []
