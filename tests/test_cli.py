"""The command line as people use it, in a process of its own where that matters."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT
from typer.testing import CliRunner

from fkd.cli import app
from fkd.detection.registry import DETECTORS
from fkd.io.extras import install_hint
from fkd.io.pts import format_pts, read_pts
from fkd.synthetic.face import render_face


def fkd(*arguments: object, **options):
    return CliRunner().invoke(app, [str(a) for a in arguments], **options)


@pytest.fixture
def photos(tmp_path: Path, astronaut) -> Path:
    """A folder with the astronaut twice, a wall, and a text file."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    cv2.imwrite(str(folder / "one.png"), astronaut)
    cv2.imwrite(str(folder / "more" / "one.jpg"), astronaut)
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 180, np.uint8))
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_a_photo_gives_an_overlay_and_one_line(tmp_path, astronaut):
    done = fkd("infer", ASTRONAUT, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == 1 and f"{ASTRONAUT}: 1 face, " in done.stdout
    drawn = cv2.imread(str(tmp_path / "out" / "astronaut.png"))
    changed = np.abs(drawn.astype(int) - astronaut).sum(axis=2) > 0
    rows, columns = np.nonzero(changed)
    assert drawn.shape == astronaut.shape
    assert rows.min() > 60 and rows.max() < 190 and columns.min() > 160 and columns.max() < 290


def test_json_is_one_object_a_line_and_writes_no_picture(tmp_path):
    done = fkd("infer", ASTRONAUT, "--json", "-o", tmp_path / "out")
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert set(answer) == {
        *("schema", "image", "width", "height", "several_pictures", "model", "backend"),
        *("faces", "min_face", "detections_skipped", "milliseconds"),
    }
    assert (answer["width"], answer["height"], answer["backend"]) == (512, 512, "onnx")
    assert np.array(answer["faces"][0]["points"]).shape == (68, 2)
    assert set(answer["milliseconds"]) == {"detect", "crop", "points"}
    assert not (tmp_path / "out").exists()


def test_csv_and_pts_hold_the_points_of_the_json(tmp_path):
    done = fkd("infer", ASTRONAUT, "--json", "--csv", "--pts", "-o", tmp_path)
    points = np.array(json.loads(done.stdout)["faces"][0]["points"])
    np.testing.assert_allclose(read_pts(tmp_path / "astronaut.pts"), points, atol=0.01)
    (row,) = read_csv(tmp_path / "astronaut.csv")
    written = [[float(row[f"{axis}{i}"]) for axis in "xy"] for i in range(68)]
    np.testing.assert_array_equal(written, points)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["astronaut.csv", "astronaut.pts"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_csv_file_has_name_box_score_and_confidence_of_the_faces_of_all_photos(
    photos, tmp_path, astronaut
):
    cv2.imwrite(str(photos / "two.png"), np.hstack([astronaut, astronaut]))
    arguments = ["infer", photos, "--json", "--csv-file", tmp_path / "new" / "all.csv"]
    answers = [json.loads(line) for line in fkd(*arguments).stdout.splitlines()]
    expected = [(answer["image"], face) for answer in answers for face in answer["faces"]]
    rows = read_csv(tmp_path / "new" / "all.csv")
    assert [row["face"] for row in rows] == ["0", "0", "0", "1"]
    for row, (image, face) in zip(rows, expected, strict=True):
        assert row["image"] == image and float(row["score"]) == face["score"]
        box = [int(row[f"box_{side}"]) for side in ("x", "y", "width", "height")]
        assert box == face["box"]
        assert [float(row[f"confidence{i}"]) for i in range(68)] == face["confidence"]
    assert not (tmp_path / "overlays").exists()


def test_the_csv_file_takes_no_name_of_a_photo_a_folder_or_another_result(photos, tmp_path):
    before = (photos / "one.png").read_bytes()
    for name, options, message in (
        (photos / "one.png", [], "one.png: is an input and would be overwritten"),
        (tmp_path / "out" / "one.csv", ["--csv"], "one.csv: is the name of another result"),
        (photos, [], "photos: is a folder"),
    ):
        arguments = [photos / "one.png", "--csv-file", name, "-o", tmp_path / "out", *options]
        refused = fkd("infer", *arguments)
        assert refused.exit_code == 2 and message in refused.stderr and refused.stdout == ""
    assert (photos / "one.png").read_bytes() == before


def test_a_folder_is_searched_and_its_results_keep_their_places(photos, tmp_path):
    done = fkd("infer", photos, "-o", tmp_path / "out")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 3
    assert f"{photos / 'wall.png'}: no face of 24 px or more, " in done.stdout
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.png")}
    assert written == {"one.png", "more/one.png", "wall.png"}


def test_a_glob_and_a_clash_of_names_give_every_photo_its_result(photos, tmp_path):
    done = fkd("infer", f"{photos}/**/one.*", "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"one.png", "one-2.png"}


def test_photos_whose_results_would_have_one_name_get_one_each(tmp_path, astronaut):
    """As the second face of two.png, or a name that differs in case only, has."""
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "two.png"), np.hstack([astronaut, astronaut]))
    for name in ("two.face2.jpg", "two.tif", "Two.jpg"):
        cv2.imwrite(str(folder / name), astronaut)
    done = fkd("infer", folder, "--pts", "-o", tmp_path / "out")
    assert done.exit_code == 0
    named = [line.split(" -> ")[1].split(", ") for line in done.stdout.splitlines()]
    paths = [path for paths in named for path in paths]
    assert len({path.casefold() for path in paths}) == 4 + 5  # a picture each, .pts for each face
    assert {path.name for path in (tmp_path / "out").iterdir()} == {Path(p).name for p in paths}


@pytest.mark.parametrize("name", ["two.face2.pts", "two.face3.pts"])
def test_labels_of_a_photos_further_faces_are_not_overwritten(tmp_path, astronaut, name):
    cv2.imwrite(str(tmp_path / "two.png"), np.hstack([astronaut, astronaut]))
    (tmp_path / name).write_text("by hand")
    refused = fkd("infer", tmp_path / "two.png", "--json", "--pts", "-o", tmp_path)
    assert refused.exit_code == 2 and f"{name}: is an input" in refused.stderr
    assert (tmp_path / name).read_text() == "by hand"


def test_results_never_overwrite_a_photo_or_the_labels_beside_it(photos):
    before = (photos / "one.png").read_bytes()
    refused = fkd("infer", photos / "one.png", "-o", photos)
    assert refused.exit_code == 2 and "one.png: is an input" in refused.stderr
    (photos / "one.pts").write_text("by hand")
    refused = fkd("infer", photos / "one.png", "--json", "--pts", "-o", photos)
    assert refused.exit_code == 2 and "one.pts: is an input" in refused.stderr
    assert (photos / "one.png").read_bytes() == before
    assert (photos / "one.pts").read_text() == "by hand"


def test_results_of_before_are_not_taken_for_photos(photos, monkeypatch):
    monkeypatch.chdir(photos)
    first, second = fkd("infer", "."), fkd("infer", ".")
    assert first.exit_code == second.exit_code == 0
    assert len(first.stdout.splitlines()) == len(second.stdout.splitlines()) == 3


def test_every_face_of_a_photo_gets_a_pts_file(tmp_path, astronaut):
    cv2.imwrite(str(tmp_path / "two.png"), np.hstack([astronaut, astronaut]))
    done = fkd("infer", tmp_path / "two.png", "--json", "--pts", "-o", tmp_path / "out")
    points = [np.array(face["points"]) for face in json.loads(done.stdout)["faces"]]
    assert len(points) == 2
    for name, expected in zip(("two.pts", "two.face2.pts"), points, strict=True):
        np.testing.assert_allclose(read_pts(tmp_path / "out" / name), expected, atol=0.01)


def test_a_photo_comes_in_through_standard_input(tmp_path):
    done = fkd("infer", "-", "--json", input=ASTRONAUT.read_bytes())
    assert json.loads(done.stdout)["image"] == "-" and done.exit_code == 0


def test_a_bad_input_is_one_sentence_and_the_others_go_on(photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"text")
    done = fkd("infer", photos, tmp_path / "gone.jpg", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 3
    errors = done.stderr.splitlines()
    assert len(errors) == 2 and "broken.jpg: not a picture" in errors[0]
    assert "gone.jpg: no such file" in errors[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/empty"], "no photos in this folder"),
        (["{tmp}/*.jpg"], "matches no file"),
        (["{tmp}/a.jpg"], "no such file"),
    ],
)
def test_inputs_that_hold_nothing_are_named_and_exit_with_one(tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    arguments = [a.format(tmp=tmp_path) for a in arguments]
    done = fkd("infer", *arguments, "-o", tmp_path / "out")
    assert done.exit_code == 1 and message in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "tensorrt"], "tensorrt"),
        (["--model", "gone.onnx"], "gone.onnx: no such model"),
        (["--model", "{astronaut}"], "not an ONNX model"),
        (["--detector", "dlib"], "dlib"),
        (["--threads", "-1"], "threads"),
        (["--backend", "torch", "--model", "gone.pt"], "gone.pt: no such model"),
        (["-o", "{astronaut}"], "cannot write there"),
        (["-o", "{astronaut}/below"], "cannot write there"),
        (["--nonsense"], "nonsense"),
        (["--csv-file", "-"], "--csv-file: - is standard output"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_exits_with_two(tmp_path, arguments, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = fkd("infer", ASTRONAUT, *(a.format(astronaut=ASTRONAUT) for a in arguments))
    assert done.exit_code == 2 and message in done.stderr and done.stdout == ""
    assert "Traceback" not in done.stderr


def test_no_face_is_an_error_only_when_asked(photos, tmp_path):
    wall = photos / "wall.png"
    assert fkd("infer", wall, "-o", tmp_path / "o").exit_code == 0
    assert fkd("infer", wall, "-o", tmp_path / "o", "--fail-on-no-face").exit_code == 3
    assert fkd("infer", wall, "--json").stdout.count('"faces": []') == 1


def test_the_smallest_face_is_searched_for_when_asked_and_said_when_nothing_is_found(tmp_path):
    done = fkd("infer", ASTRONAUT, "--min-face", "200", "-o", tmp_path)
    assert "astronaut.png: no face of 200 px or more, " in done.stdout
    answer = json.loads(fkd("infer", ASTRONAUT, "--min-face", "60", "--json").stdout)
    assert len(answer["faces"]) == 1 and answer["min_face"] == 60


@pytest.mark.parametrize("detector", ["haar", "neural"])
def test_no_smaller_faces_than_the_detectors_window_are_searched_for(detector):
    asked = ("--detector", detector, "--min-face", "5", "--json")
    window = DETECTORS[detector](1).window
    assert json.loads(fkd("infer", ASTRONAUT, *asked).stdout)["min_face"] == window


@pytest.mark.parametrize("command", ["infer", "align", "video", "label", "serve"])
def test_help_says_so(command):
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", fkd(command, "--help").stdout).split())
    assert "taken as 8 (haar: as 24) where it is less" in text
    assert [DETECTORS[name](1).window for name in ("neural", "haar")] == [8, 24]


def test_closed_standard_input_is_named(tmp_path):
    command = f"{sys.executable} -m fkd infer - --json <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "fkd: -: standard input is closed\n"


def test_odd_file_names_are_read_and_written(tmp_path, astronaut):
    odd = tmp_path / "ä photo [1] 100%.v2.png"
    cv2.imwrite(str(tmp_path / "plain.png"), astronaut)
    (tmp_path / "plain.png").rename(odd)
    done = fkd("infer", odd, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert (tmp_path / "out" / odd.name).is_file()


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command line of a shell in a folder; `fkd` is this project's."""
    shell = f'fkd() {{ "{sys.executable}" -m fkd "$@"; }}; {command}'
    return subprocess.run(shell, shell=True, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("command", [f"infer {ASTRONAUT} --json", "info", "--help"])
def test_standard_output_on_a_full_disk_is_one_sentence(tmp_path, command):
    done = run(f"fkd {command} > /dev/full", tmp_path)
    assert done.stderr == "fkd: standard output: no space left on device\n"
    assert done.returncode == 1


def test_a_pipe_in_a_folder_of_photos_is_not_waited_for(photos, tmp_path):
    os.mkfifo(photos / "pipe.png")
    done = fkd("infer", photos, "-o", tmp_path / "out")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 3


def test_closed_standard_error_is_no_fault(tmp_path):
    done = run(f"fkd infer {ASTRONAUT} gone.png -o out 2>&-", tmp_path)
    assert done.returncode == 1 and done.stdout.count("\n") == 1


@pytest.mark.parametrize("kind", ["png", "csv", "pts"])
def test_a_result_that_does_not_fit_is_named_and_leaves_nothing(tmp_path, kind, small_files):
    arguments = [] if kind == "png" else ["--json", f"--{kind}"]
    with small_files(1000):
        done = fkd("infer", ASTRONAUT, *arguments, "-o", tmp_path)
    assert done.stderr == f"fkd: {tmp_path}/astronaut.{kind}: file too large\n"
    assert done.exit_code == 1 and list(tmp_path.iterdir()) == []


def test_a_file_name_commands_no_terminal_and_bytes_that_are_no_text_are_shown(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = ["\x1b[2Ja\nb.png", "J\udcf6rg.png"]
    for name in names:
        Path(name).write_bytes(ASTRONAUT.read_bytes())
    done = fkd("infer", ".", "gone\x9b\r.png", "-o", "out")
    first, second = done.stdout.splitlines()
    assert first.startswith(r"\x1b[2Ja\nb.png: 1 face") and second.startswith(r"J\udcf6rg.png: ")
    assert done.stderr == r"fkd: gone\x9b\r.png: no such file or directory" + "\n"
    assert {path.name for path in Path("out").iterdir()} == set(names)
    lines = fkd("infer", ".", "--json", "-o", "out").stdout.splitlines()
    assert [json.loads(line)["image"] for line in lines] == names


def test_a_terminal_without_the_letters_of_a_name_shows_their_numbers(tmp_path):
    (tmp_path / "ä.png").write_bytes(ASTRONAUT.read_bytes())
    arguments = ["infer", str(tmp_path / "ä.png"), "-o", str(tmp_path / "out")]
    done = CliRunner(charset="ascii").invoke(app, arguments)
    assert r"\xe4.png: 1 face" in done.stdout and done.exit_code == 0


def test_links_that_lead_to_each_other_are_one_sentence(photos, tmp_path):
    (photos / "loop.png").symlink_to("loop.png")
    done = fkd("infer", photos, "-o", tmp_path / "out")
    assert done.exit_code == 1 and len(done.stdout.splitlines()) == 3
    assert done.stderr == f"fkd: {photos}/loop.png: too many levels of symbolic links\n"


def test_detections_that_were_not_examined_are_said(tmp_path, monkeypatch, astronaut):
    monkeypatch.setattr("fkd.inference.pipeline.MAX_DETECTIONS", 1)
    cv2.imwrite(str(tmp_path / "two.png"), np.hstack([astronaut, astronaut]))
    done = fkd("infer", tmp_path / "two.png", "-o", tmp_path / "out")
    assert "two.png: 1 face, 2 detections not examined, " in done.stdout
    answer = json.loads(fkd("infer", tmp_path / "two.png", "--json").stdout)
    assert (len(answer["faces"]), answer["detections_skipped"]) == (1, 2)


def test_infer_never_imports_torch_or_mlflow(tmp_path):
    code = (
        "import sys; from fkd.cli import app\n"
        f"try: app(['infer', {str(ASTRONAUT)!r}, '-o', {str(tmp_path)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print([m for m in ('torch', 'mlflow', 'matplotlib', 'dvc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_torch_not_installed_is_one_sentence(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from fkd.cli import app\n"
        f"app(['infer', {str(ASTRONAUT)!r}, '--backend', 'torch', '-o', {str(tmp_path)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"fkd: backend torch: torch is not installed; {install_hint('train')}"
    )


def test_info_shows_scores_and_licence_and_version_the_version():
    shown = fkd("info")
    assert shown.exit_code == 0
    for word in ("128x128", "weights licence MIT", "300w, detector boxes: NME"):
        assert word in shown.stdout, shown.stdout
    assert json.loads(fkd("info", "--json").stdout)["crop"]["size"] == 128
    assert fkd("info", ASTRONAUT).exit_code == 2
    assert fkd("--version").stdout.startswith("fkd ")


def test_help_names_every_exit_code():
    text = fkd("infer", "--help").stdout
    assert all(f" {code} " in text for code in (0, 1, 2, 3)) and "Exit codes" in text


def test_the_wheel_alone_scores_a_folder_of_photos_with_points(tmp_path, recipe):
    """Without anything of the extra `train`, and outside a project."""
    for i in range(3):
        grey, points, _ = render_face(recipe, i)
        cv2.imwrite(str(tmp_path / f"p{i}.png"), grey)
        (tmp_path / f"p{i}.pts").write_text(format_pts(points))
    missing = ("torch", "mlflow", "dvc", "numba", "yaml", "matplotlib", "scipy", "onnx", "anny")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from fkd.cli import app\n"
        "app(['score', '.', '--all', '--json'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout).values()
    assert figures["annotation"]["faces"] == 3 and figures["annotation"]["nme"] < 8
    assert figures["end_to_end"]["faces"] == 3


def test_score_says_how_many_faces_it_leaves_out_and_why_the_first(tmp_path, recipe):
    data = tmp_path / "mine"
    data.mkdir()
    grey, points, _ = render_face(recipe, 0)
    for name, zoom in (("a", 1.0), ("b", 0.2), ("c", 0.3)):
        cv2.imwrite(str(data / f"{name}.png"), cv2.resize(grey, None, fx=zoom, fy=zoom))
        (data / f"{name}.pts").write_text(format_pts(points * zoom))
    done = fkd("score", data, "--all", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout)["mine"]["annotation"]["faces"] == 1
    said = r"2 faces are left out, the first is mine/[bc] \(the face is \d+ px, smaller than 32\)"
    assert re.fullmatch(f"fkd: {data}: {said}\n", done.stderr)
    (data / "a.pts").unlink()
    none = fkd("score", data, "--all")
    assert none.exit_code == 2 and re.fullmatch(
        f"fkd: {data}: no usable face; {said}\n", none.stderr
    )


def test_score_of_what_is_no_data_set_is_one_sentence(tmp_path):
    for root, message in ((tmp_path / "gone", "not a folder"), (tmp_path, "no data set found")):
        done = fkd("score", root)
        assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1
    done = fkd("score", tmp_path, "--params", tmp_path / "gone.yaml")
    assert done.exit_code == 2 and "gone.yaml: no such file" in done.stderr


def test_the_choices_of_infer_are_those_of_the_library():
    from fkd.cli.app import DETECTOR_NAMES
    from fkd.cli.infer import Backend
    from fkd.detection.registry import NO_DETECTOR
    from fkd.models.session import BACKENDS

    assert set(Backend) == set(BACKENDS) and {*DETECTOR_NAMES} == {*DETECTORS, NO_DETECTOR}
