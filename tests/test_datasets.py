"""Readers, on folders made for the test, and the split by person."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fkd.datasets.readers import pts, youtube_faces
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset, BadSample, Sample
from fkd.datasets.split import split
from fkd.io.images import ImageError
from fkd.io.pts import format_pts, read_pts
from fkd.landmarks import PointsError

POINTS = (np.arange(136).reshape(68, 2) % 60 + 10).astype(np.float32)


def write_photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((90, 80, 3), 128, np.uint8))


def write_table(path: Path, rows: dict[str, np.ndarray]) -> None:
    header = "," + ",".join(map(str, range(136)))
    lines = [f"{name}," + ",".join(map(str, p.ravel())) for name, p in rows.items()]
    path.write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture
def youtube(tmp_path: Path) -> Path:
    folder = tmp_path / "youtube-faces"
    for part, name in (
        ("training", "A_B_01.jpg"),
        ("training", "C_D_02.jpg"),
        ("test", "A_B_03.jpg"),
    ):
        write_photo(folder / part / name)
    write_table(
        folder / "training_frames_keypoints.csv", {"A_B_01.jpg": POINTS, "C_D_02.jpg": POINTS}
    )
    write_table(folder / "test_frames_keypoints.csv", {"A_B_03.jpg": POINTS})
    return folder


def test_youtube_faces_rows_become_samples_with_people(youtube):
    samples = list(youtube_faces.samples(youtube, "yt"))
    assert [s.identity for s in samples] == ["A_B", "C_D", "A_B"]
    assert [s.official_test for s in samples] == [False, False, True]
    image, points = samples[0].read()
    assert image.shape == (90, 80, 3)
    np.testing.assert_array_equal(points, POINTS)


def test_a_table_without_its_columns_stops_with_its_name(youtube):
    table = youtube / "training_frames_keypoints.csv"
    table.write_text("name,x,y\n")
    with pytest.raises(BadDataset, match=r"training_frames_keypoints\.csv: 3 columns"):
        list(youtube_faces.samples(youtube, "yt"))


def test_a_missing_table_stops_with_its_name(youtube):
    (youtube / "test_frames_keypoints.csv").unlink()
    with pytest.raises(BadDataset, match=r"test_frames_keypoints.csv: no such file"):
        list(youtube_faces.samples(youtube, "yt"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A_B_01.jpg," + ",".join(["5"] * 134), "67 points"),
        ("A_B_01.jpg," + ",".join(["nan"] * 136), "not a number"),
        ("A_B_01.jpg," + ",".join(["x"] * 136), "could not convert"),
        ("A_B_01.jpg,," + ",".join(["5"] * 135), "not a number"),
    ],
)
def test_a_bad_row_is_a_bad_sample_with_its_reason(youtube, row, reason):
    table = youtube / "training_frames_keypoints.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n" + row + "\n")
    sample = next(iter(youtube_faces.samples(youtube, "yt")))
    with pytest.raises((BadSample, PointsError), match=reason):
        sample.read()


def test_a_row_without_its_picture_is_a_photo_error(youtube):
    (youtube / "training" / "A_B_01.jpg").unlink()
    with pytest.raises(ImageError, match="no such file"):
        next(iter(youtube_faces.samples(youtube, "yt"))).read()


@pytest.mark.parametrize("header", [True, False])
def test_pts_files_are_one_based_with_or_without_header(tmp_path, header):
    lines = [f"{x + 1} {y + 1}" for x, y in POINTS]
    text = "\n".join(["version: 1", "n_points: 68", "{", *lines, "}"] if header else lines)
    (tmp_path / "a.pts").write_text(text)
    np.testing.assert_array_equal(read_pts(tmp_path / "a.pts"), POINTS)


def test_what_format_pts_writes_read_pts_reads(tmp_path):
    (tmp_path / "a.pts").write_text(format_pts(POINTS + 0.25))
    np.testing.assert_allclose(read_pts(tmp_path / "a.pts"), POINTS + 0.25, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1 2\n" * 67, "67 points"), ("1 2 3\n" * 68, "two numbers"), ("", "0 poi")],
)
def test_a_bad_pts_file_is_refused_with_its_reason(tmp_path, text, reason):
    (tmp_path / "a.pts").write_text(text)
    with pytest.raises(PointsError, match=reason):
        read_pts(tmp_path / "a.pts")


def test_300w_folders_give_official_test_challenging_and_photo_identities(tmp_path):
    for name in ("lfpw/trainset/image_0001", "helen/testset/1_1", "ibug/x_1", "afw/9_1", "afw/9_2"):
        write_photo(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.pts").write_text(format_pts(POINTS))
    by_name = {s.name: s for s in pts.samples(tmp_path, "300w")}
    assert by_name["helen/testset/1_1"].official_test
    assert by_name["ibug/x_1"].official_test and by_name["ibug/x_1"].subset == "300w/ibug"
    assert by_name["afw/9_1"].identity == by_name["afw/9_2"].identity
    assert by_name["lfpw/trainset/image_0001"].identity == "lfpw/trainset/image_0001"
    np.testing.assert_allclose(by_name["afw/9_1"].read()[1], POINTS, atol=1e-3)


def test_a_root_mixes_its_sets_and_passes_over_folders_without_points(tmp_path, youtube):
    write_photo(tmp_path / "mine" / "a.jpg")
    (tmp_path / "mine" / "a.pts").write_text(format_pts(POINTS))
    write_photo(tmp_path / "photos" / "unlabelled.jpg")
    assert {s.subset for s in read_root(tmp_path)} == {"mine", "youtube-faces"}


def test_a_root_may_be_one_data_set_itself(youtube):
    assert {s.subset for s in read_root(youtube)} == {"youtube-faces"}


def test_300w_itself_as_the_root_is_one_set_with_its_test_apart(tmp_path):
    for name in ("lfpw/trainset/a", "lfpw/testset/b", "ibug/c", "afw/9_1", "afw/9_2"):
        write_photo(tmp_path / "300w" / f"{name}.jpg")
        (tmp_path / "300w" / f"{name}.pts").write_text(format_pts(POINTS))
    for root in (tmp_path / "300w", tmp_path):
        samples = {s.name: s for s in read_root(root)}
        assert {s.subset for s in samples.values()} == {"300w", "300w/ibug"}
        assert {s.name for s in samples.values() if s.official_test} == {"ibug/c", "lfpw/testset/b"}
        assert samples["afw/9_1"].identity == samples["afw/9_2"].identity


def test_a_set_may_not_be_called_as_the_validation_score(tmp_path):
    write_photo(tmp_path / "val" / "a.jpg")
    (tmp_path / "val" / "a.pts").write_text(format_pts(POINTS))
    with pytest.raises(BadDataset, match="this name is the validation score's"):
        read_root(tmp_path)


def test_a_root_without_data_says_what_is_expected(tmp_path):
    with pytest.raises(BadDataset, match=r"no data set found; expected recipe\.yaml"):
        read_root(tmp_path)
    with pytest.raises(BadDataset, match="not a folder"):
        read_root(tmp_path / "missing")


def make(subset: str, person: str, official: bool = False) -> Sample:
    return Sample(f"{person}/{official}", subset, person, official, lambda: None)  # type: ignore


def people(parts, part) -> set[str]:
    return {s.identity for s in parts[part]}


def test_nobody_stands_on_two_sides_when_the_official_test_has_the_same_people():
    samples = [make("yt", f"p{i % 200}") for i in range(1000)]
    samples += [make("yt", f"p{i}", official=True) for i in range(200)]
    parts = split(samples, val=0.1, test=0.2, seed=0)
    assert sum(map(len, parts.values())) == len(samples)
    assert not people(parts, "train") & (people(parts, "val") | people(parts, "test"))
    assert not people(parts, "val") & people(parts, "test")
    assert people(parts, "official") <= people(parts, "train") | people(parts, "val")
    assert 20 < len(people(parts, "test")) < 60 and 8 < len(people(parts, "val")) < 36


def test_an_official_test_of_new_people_is_the_test_and_nobody_else_is_held_out():
    samples = [make("w", f"a{i}") for i in range(300)] + [
        make("w", f"b{i}", True) for i in range(9)
    ]
    parts = split(samples, val=0.1, test=0.2, seed=0)
    assert people(parts, "test") == {f"b{i}" for i in range(9)} and not parts["official"]


def test_the_split_does_not_depend_on_the_order_or_on_other_sets():
    samples = [make("w", f"a{i}") for i in range(100)]
    alone = split(samples, 0.1, 0.2, seed=5)
    mixed = split([make("x", "z"), *reversed(samples)], 0.1, 0.2, seed=5)
    assert people(alone, "test") == {i for i in people(mixed, "test") if i != "z"}
    assert people(split(samples, 0.1, 0.2, seed=6), "test") != people(alone, "test")
