"""Tables of many photos: what is in them, and that a stop costs nothing but time."""

import hashlib
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT, PROJECT
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.geometry.pose import Pose
from fkd.inference.face import Face
from fkd.io.files import sentence
from fkd.io.images import read_picture
from fkd.models.zoo import PACKAGED

pa = pytest.importorskip("pyarrow", reason="tables need the extra `parquet`")
pq = pytest.importorskip("pyarrow.parquet")

from fkd.inference.parquet import files, parts, rows, sources, table  # noqa: E402
from fkd.inference.parquet.job import JobError, Options, open_job  # noqa: E402

NANO = Options("nano")


def run(*arguments: object):
    return CliRunner().invoke(app, ["infer", *map(str, arguments)])


def read(place: Path) -> list[dict]:
    return pq.read_table(place).to_pylist()


@pytest.fixture(scope="module")
def astronaut_small() -> np.ndarray:
    return cv2.resize(cv2.imread(str(ASTRONAUT)), (256, 256), interpolation=cv2.INTER_AREA)


@pytest.fixture
def photos(tmp_path, astronaut_small) -> Path:
    """Two photos of a face, one below the other's folder, one without a face, one that is broken,
    and what is none of these."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    cv2.imwrite(str(folder / "b.png"), astronaut_small)
    cv2.imwrite(str(folder / "inner" / "a.png"), astronaut_small[:, ::-1])
    cv2.imwrite(str(folder / "empty.png"), np.full((64, 80, 3), 128, np.uint8))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "old.jp2").write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n")
    (folder / "notes.md").write_text("no photo")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("nano", detector="haar", threads=1)


def make(job, predictor) -> rows.Counts:
    missing = [n for n in range(job.parts) if n not in parts.finished_parts(job)]
    total = rows.Counts()
    for counts in parts.infer_here(job, missing, predictor):
        total = rows.add(total, counts)
    return total


def test_the_columns_are_the_fields_of_a_row():
    assert tuple(table.SCHEMA.names) == rows.FaceRow._fields


def test_rows_are_the_predictor_s_own_answers(photos, predictor, tmp_path):
    job = open_job([str(photos)], str(tmp_path / "t.parquet"), NANO)
    counts = make(job, predictor)
    found = read(tmp_path / "t.parquet")
    assert counts == (5, len([r for r in found if r["face"] is not None]), 1, 2)
    readable = [photos / "b.png", photos / "empty.png", photos / "inner" / "a.png"]
    for photo in readable:
        picture = read_picture(photo)
        analysis = predictor.analyse(picture.pixels)
        of_photo = [row for row in found if row["uri"] == str(photo)]
        assert len(of_photo) == max(1, len(analysis.faces))
        for row in of_photo:
            height, width = picture.pixels.shape[:2]
            assert (row["width"], row["height"], row["model"]) == (width, height, "nano")
            assert (row["min_face"], row["error"]) == (analysis.min_face, None)
        for number, (row, face) in enumerate(zip(of_photo, analysis.faces, strict=False)):
            assert row["face"] == number
            assert (tuple(row["box"]), row["score"], row["roll"]) == (
                face.box,
                face.score,
                face.roll,
            )
            shaped = np.array(row["points"], np.float32).reshape(-1, 2)
            np.testing.assert_array_equal(shaped, face.points)
            np.testing.assert_array_equal(np.float32(row["confidence"]), face.confidence)
    assert sum(row["face"] == 0 for row in found) == 2


def test_a_photo_without_a_face_and_one_that_cannot_be_read_are_rows(photos, predictor, tmp_path):
    job = open_job([str(photos)], str(tmp_path / "t.parquet"), NANO)
    make(job, predictor)
    by_name = {Path(row["uri"]).name: row for row in read(tmp_path / "t.parquet")}
    assert set(by_name) == {"a.png", "b.png", "empty.png", "broken.jpg", "old.jp2"}
    empty = by_name["empty.png"]
    assert (empty["width"], empty["height"], empty["face"], empty["error"]) == (80, 64, None, None)
    assert by_name["broken.jpg"]["error"] == "not a picture that can be read"
    assert by_name["old.jp2"]["error"] == "is JPEG 2000, which is not read"
    assert by_name["broken.jpg"]["width"] is None and by_name["broken.jpg"]["points"] is None


def test_what_the_model_tells_of_the_view_is_kept(tmp_path):
    ones = np.arange(68, dtype=np.float32)
    face = Face(
        np.stack([ones, ones + 0.5], axis=1), (1, 2, 3, 4), 0.75, ones / 68, 3.5, None, ones / 70,
        -ones, Pose(10.0, -20.0, 30.0),
    )  # fmt: skip
    row = rows.FaceRow("a", 8, 9, False, 0, model="m", **rows._of_face(face))
    with table.PartWriter(tmp_path / "p.parquet") as writer:
        writer.add([row], rows.Counts(1, 1))
    (kept,) = read(tmp_path / "p.parquet")
    assert kept["pose"] == {"yaw": 10.0, "pitch": -20.0, "roll": 30.0}
    assert kept["depth"] == (-ones).tolist()
    np.testing.assert_array_equal(np.float32(kept["visible"]), ones / np.float32(70))
    assert kept["points"][:4] == [0.0, 0.5, 1.0, 1.5]


def test_what_was_stopped_goes_on_and_does_no_finished_part_again(photos, predictor, tmp_path):
    place = tmp_path / "t.parquet"
    job = open_job([str(photos)], str(place), NANO, part_mb=0.001)  # a part a photo
    assert (job.parts, job.photos) == (5, 5)
    # Stopped in the third photo, as a kill does: its part is begun and not there.
    stopped = parts.infer_here(job, range(5), predictor)
    list(itertools.islice(stopped, 2))
    del stopped
    done = {p.name: p.stat().st_mtime_ns for p in place.glob("*.parquet")}
    assert 1 <= len(done) <= 2
    again = open_job([str(photos)], str(place), NANO)
    assert again == job
    counts = make(again, predictor)
    assert counts.photos == 5 - len(done)
    assert all((place / name).stat().st_mtime_ns == at for name, at in done.items())
    unbroken = open_job([str(photos)], str(tmp_path / "u.parquet"), NANO, part_mb=0.001)
    make(unbroken, predictor)
    assert read(place) == read(tmp_path / "u.parquet")


def test_a_part_that_is_not_whole_is_made_again(photos, predictor, tmp_path):
    place = tmp_path / "t.parquet"
    job = open_job([str(photos)], str(place), NANO, part_mb=0.001)
    make(job, predictor)
    whole = (place / "part-0000001.parquet").read_bytes()
    (place / "part-0000001.parquet").write_bytes(whole[:-100])
    assert set(parts.finished_parts(job)) == {0, 2, 3, 4}
    assert make(job, predictor).photos == 1
    assert (place / "part-0000001.parquet").read_bytes() == whole


def test_parts_are_bounded_by_bytes_and_memory_by_a_group_of_rows(tmp_path):
    for number, size in enumerate([40_000, 50_000, 30_000, 90_000, 1]):
        (tmp_path / f"{number}.jpg").write_bytes(bytes(size))
    job = open_job([str(tmp_path)], str(tmp_path / "t"), NANO, part_mb=0.1)
    planned = [[size for _, size in job.planned(n)] for n in range(job.parts)]
    assert planned == [[40_000, 50_000], [30_000], [90_000], [1]]
    with table.PartWriter(tmp_path / "p.parquet") as writer:
        for number in range(2 * table.GROUP_ROWS):
            writer.add([rows.FaceRow(str(number))], rows.Counts(1, 0, 1))
            assert len(writer._rows) < table.GROUP_ROWS
    assert pq.ParquetFile(tmp_path / "p.parquet").num_row_groups >= 2
    assert table.counts_in(str(tmp_path / "p.parquet")) == (4000, 0, 4000, 0)


def test_thirty_thousand_photos_are_divided_in_little_memory(tmp_path):
    """The names are 3 MB; the limit is of what Python holds."""
    import tracemalloc

    listed = tmp_path / "photos"
    listed.mkdir()
    big = (sources.Photo(f"/photos/{n:060d}.jpg", 100_000) for n in range(30_000))
    from fkd.inference.parquet import job

    tracemalloc.start()
    count = sum(len(group) for group in job._groups(big, 64e6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000 and peak < 1_000_000


def test_a_list_names_each_photo_once_and_missing_ones_are_rows(photos, tmp_path):
    listed = tmp_path / "list.txt"
    lines = ["photos/b.png", "gone.jpg", str(photos / "b.png"), "", f"file://{photos}/empty.png"]
    listed.write_text("\n".join(lines))
    found = [photo.uri for photo in sources.find_photos([str(listed)])]
    assert found == [str(photos / "b.png"), str(tmp_path / "gone.jpg"), str(photos / "empty.png")]
    result = run(listed, "--parquet", tmp_path / "t.parquet", "--model", "nano")
    assert result.exit_code == 1
    by_name = {Path(row["uri"]).name: row["error"] for row in read(tmp_path / "t.parquet")}
    assert by_name == {"b.png": None, "gone.jpg": "no such file or directory", "empty.png": None}


def test_names_of_any_bytes_are_kept(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    odd = os.fsdecode(b"a\xff\n?#%20.png")
    shutil.copy(ASTRONAUT, folder / odd)
    job = open_job([str(folder)], str(tmp_path / "t"), NANO)
    assert [os.path.basename(uri) for uri, _ in job.planned(0)] == [odd]
    assert parts._text(job.planned(0)[0].uri).endswith("a\\xff\n?#%20.png")


def test_links_in_a_circle_and_pipes_do_not_keep_it(photos):
    (photos / "again").symlink_to(photos)
    (photos / "lost.png").symlink_to(photos / "nowhere.png")
    os.mkfifo(photos / "pipe.png")
    names = [Path(photo.uri).name for photo in sources.find_photos([str(photos)])]
    assert names == ["b.png", "broken.jpg", "empty.png", "lost.png", "old.jp2", "a.png"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("*.png", "*.png: matches no file"),
        ("nope://bucket/photos", "nope://bucket/photos: of addresses, those of"),
        ("-", "-: standard input cannot be read again"),
        ("holds-none", "holds-none: no photos in this folder"),
    ],
)
def test_a_source_without_photos_is_one_sentence_and_nothing_is_done(
    source, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holds-none").mkdir()
    result = run(source, "--parquet", "t.parquet", "--model", "nano")
    assert result.exit_code == 2 and result.stderr.startswith(f"fkd: {said}")
    assert result.stderr.count("\n") == 1 and not (tmp_path / "t.parquet").exists()


def test_an_output_of_something_else_is_refused(photos, tmp_path):
    place = tmp_path / "t.parquet"
    open_job([str(photos)], str(place), NANO)
    with pytest.raises(JobError, match="was begun with --model nano"):
        open_job([str(photos)], str(place), Options("base"))
    with pytest.raises(JobError, match="was begun without --min-face"):
        open_job([str(photos)], str(place), Options("nano", min_face=30))
    with pytest.raises(JobError, match="was begun with the photos of"):
        open_job([str(photos / "inner")], str(place), NANO)
    with pytest.raises(JobError, match="holds files of something else"):
        open_job([str(photos)], str(photos), NANO)
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="is a file"):
        open_job([str(photos)], str(tmp_path / "file"), NANO)


def test_another_file_of_the_same_model_is_refused(photos, tmp_path):
    model = tmp_path / "m.onnx"
    shutil.copy(PACKAGED["nano"], model)
    known = open_job([str(photos)], str(tmp_path / "t"), Options(str(model)))
    assert known.options.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    shutil.copy(PACKAGED["base"], model)
    with pytest.raises(JobError, match="another file of this model"):
        open_job([str(photos)], str(tmp_path / "t"), Options(str(model)))


def test_the_command_makes_a_table_and_says_what_is_in_it(photos, tmp_path):
    place = tmp_path / "t.parquet"
    result = run(photos, "--parquet", place, "--model", "nano")
    assert result.exit_code == 1  # two photos are not read
    assert f"{place}: 1 part, 5 photos, 1 without a face, 2 faces, 2 not read" in result.stdout
    assert json.loads((place / "_fkd" / "job.json").read_text())["counts"]["photos"] == 5
    result = run(photos, "--parquet", place, "--model", "nano")
    assert result.exit_code == 1 and "parts that are there: 1 of 1" in result.stderr
    assert run(photos, "--parquet", place, "--json").exit_code == 2
    assert run(photos, "--engine", "ray").exit_code == 2
    for of_cluster in (("--address", "auto"), ("--actors", 2)):
        refused = run(photos, "--parquet", place, *of_cluster)
        assert refused.exit_code == 2 and "add --engine ray" in refused.stderr


def test_nothing_of_ray_or_pyarrow_is_imported_unless_asked_for():
    code = (
        "import sys; from typer.testing import CliRunner; from fkd.cli import app;"
        f"CliRunner().invoke(app, ['infer', {str(ASTRONAUT)!r}, '--json']);"
        "print([n for n in ('ray', 'pyarrow', 'fsspec') if n in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(("lacking", "engine"), [("pyarrow", "local"), ("ray", "ray")])
def test_without_the_extra_one_sentence_says_how_to_get_it(lacking, engine, photos, tmp_path):
    code = (
        f"import sys; sys.modules[{lacking!r}] = None; from fkd.cli import app;"
        f"app(['infer', {str(photos)!r}, '--parquet', 't', '--engine', {engine!r}])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    extra = {"pyarrow": "parquet", "ray": "cluster"}[lacking]
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert "is not installed; pip install" in ran.stderr and f"[{extra}]" in ran.stderr
    assert not (tmp_path / "t").exists()


def test_places_of_stores_are_joined_and_split_as_they_are():
    assert files.joined("s3://b/photos/", "a b?.jpg") == "s3://b/photos/a b?.jpg"
    assert files.parent("s3://b/photos/a.jpg") == "s3://b/photos"
    assert files.absolute("file:///tmp/a%20b") == "/tmp/a b"


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("AWS Error ACCESS_DENIED during HeadObject operation: No response body.", "access denied"),
        (
            "AWS Error NETWORK_CONNECTION during HeadBucket operation: curlCode: 7, Could not "
            "connect to server; Details: Failed to connect to 127.0.0.1 port 9 after 0 ms",
            "network connection: could not connect to server",
        ),
    ],
)
def test_what_a_store_answers_is_said_in_few_words(raised, said):
    """As pyarrow 25 words it."""
    with pytest.raises(OSError) as error, files._naming("s3://b/p"):
        raise OSError(f"When getting information for key 'p' in bucket 'b': {raised}")
    assert sentence(error.value) == f"s3://b/p: {said}"


def test_a_disk_that_is_full_leaves_no_part_and_is_one_sentence(
    photos, tmp_path, predictor, small_files
):
    job = open_job([str(photos)], str(tmp_path / "t"), NANO)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    with small_files(200), pytest.raises(OSError, match="File too large"):
        make(job, predictor)
    assert not list((tmp_path / "t").glob("*.parquet"))
