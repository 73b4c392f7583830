"""Readers, on folders made for the test, and the split by person."""

import hashlib
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from fkd.datasets.labels import photo_of
from fkd.datasets.params import DEFAULT_PREPARE
from fkd.datasets.prepare import Rejected, prepare_face, split_samples
from fkd.datasets.readers import pts, youtube_faces
from fkd.datasets.root import read_root
from fkd.datasets.sample import BadDataset, Sample
from fkd.datasets.split import split
from fkd.io.images import ImageError
from fkd.io.pts import format_pts, read_pts
from fkd.landmarks import PointsError

POINTS = (np.arange(136).reshape(68, 2) % 60 + 10).astype(np.float32)


def write_photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(path.suffix, np.full((90, 80, 3), 128, np.uint8))
    path.write_bytes(data.tobytes())


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
    image, points, truth = samples[0].read()
    assert truth is None
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


NUMBERS = ",".join(["5"] * 136).encode()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"A_B_01.jpg," + b",".join([b"5"] * 134), "67 points"),
        (b"A_B_01.jpg," + b",".join([b"5"] * 135), "line 3 of the table has 135 numbers"),
        (b"A_B_01.jpg," + b",".join([b"nan"] * 136), "not a number"),
        (b"A_B_01.jpg," + b",".join([b"x"] * 136), "could not convert"),
        (b"A_B_01.jpg,," + b",".join([b"5"] * 135), "not a number"),
        (b"A_B_01.jpg," + b",".join([b"1e300", b"-1e300"] * 68), "1e[+]300 px away"),
        (b"A_B_01.jpg," + b",".join([b"\xe4"] * 136), "could not convert"),
        (b"A_B_01.jpg," + 200_000 * b"5" + b"," + NUMBERS, "has 200284 characters"),
        (b"J\xf6rg_01.jpg," + NUMBERS, "characters that cannot be shown"),
        (b"n\0_01.jpg," + NUMBERS, "characters that cannot be shown"),
        (b"\x1b[2J_01.jpg," + NUMBERS, "characters that cannot be shown"),
        (5000 * b"a" + b"_01.jpg," + NUMBERS, "the name has 5016 characters"),
        (b'"A_B_01.jpg,' + NUMBERS, "the name has"),
        (b"../../secret.jpg," + NUMBERS, "leads out of the data set"),
        (b"{tmp}/secret.jpg," + NUMBERS, "leads out of the data set"),
        (b"link_01.jpg," + NUMBERS, "leads out of the data set"),
        (b"loop_01.jpg," + NUMBERS, "too many levels of symbolic links"),
        (b"," + NUMBERS, "the name is that of a folder"),
        (b"pipe_01.jpg," + NUMBERS, "the name is that of a folder or a pipe"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_go_on(youtube, params, row, reason):
    write_photo(youtube.parent / "secret.jpg")
    (youtube / "training" / "link_01.jpg").symlink_to(youtube.parent / "secret.jpg")
    (youtube / "training" / "loop_01.jpg").symlink_to("loop_01.jpg")
    os.mkfifo(youtube / "training" / "pipe_01.jpg")
    table = youtube / "training_frames_keypoints.csv"
    first, *others = table.read_bytes().splitlines()
    row = row.replace(b"{tmp}", bytes(youtube.parent))
    table.write_bytes(b"\n".join([first, others[0], row, *others[1:]]))
    samples = [s for part in split(read_root(youtube), 0.1, 0.1, 0).values() for s in part]
    prepared = [prepare_face(sample, params.prepare) for sample in samples]
    (rejected,) = [face for face in prepared if isinstance(face, Rejected)]
    assert len(prepared) == 4 and re.search(reason, rejected.reason)
    for text in (rejected.name, rejected.reason):
        assert len(text) <= 200 and text.isprintable() and text.encode()


def test_a_set_may_be_a_link_to_a_folder_elsewhere(tmp_path, youtube, params):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "yt").symlink_to(youtube)
    samples = read_root(tmp_path / "data")
    assert len(samples) == 3
    assert not any(isinstance(prepare_face(s, params.prepare), Rejected) for s in samples)


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
    [
        ("1 2\n" * 67, "67 points"),
        ("1 2 3\n" * 68, "two numbers"),
        ("", "0 poi"),
        ("1e300 1e300\n" * 68, "1e[+]300 px away"),
        ("\udce4 1\n" * 68, "two numbers"),
        ("1 2\n" * 100_000, "is longer than 50000 bytes"),
    ],
)
def test_a_bad_pts_file_is_refused_with_its_reason(tmp_path, text, reason):
    (tmp_path / "a.pts").write_text(text, errors="surrogateescape")
    with pytest.raises(PointsError, match=reason):
        read_pts(tmp_path / "a.pts")


def test_a_pipe_called_pts_is_no_annotation_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.pts")
    with pytest.raises(PointsError, match=r"a\.pts is not a file"):
        read_pts(tmp_path / "a.pts")


def test_a_pts_file_whose_name_cannot_be_shown_is_rejected(tmp_path, params):
    for name in ("plain", "J\udcf6rg", "two\nlines"):
        write_photo(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.pts").write_text(format_pts(POINTS))
    samples = [s for part in split(read_root(tmp_path), 0.1, 0.1, 0).values() for s in part]
    prepared = {s.name: prepare_face(s, params.prepare) for s in samples}
    rejected = {f.name for f in prepared.values() if isinstance(f, Rejected)}
    assert len(prepared) == 3 and rejected == {r"J\udcf6rg", r"two\nlines"}


def test_a_set_whose_name_cannot_be_shown_is_refused(tmp_path):
    write_photo(tmp_path / "a\x1b[2J" / "a.jpg")
    (tmp_path / "a\x1b[2J" / "a.pts").write_text(format_pts(POINTS))
    with pytest.raises(BadDataset, match="as the folder of a data set, the name has characters"):
        read_root(tmp_path)


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


def test_the_faces_of_one_photo_are_one_identity(tmp_path):
    """Named as `fkd infer --pts` names them; a photo of that name of its own comes first."""
    for name in ("a.jpg", "b.face2.jpg", "b.jpg"):
        write_photo(tmp_path / name)
    for name in ("a", "a.face2", "b.face2", "c.face2"):
        (tmp_path / f"{name}.pts").write_text(format_pts(POINTS))
    by_name = {s.name: s for s in pts.samples(tmp_path, "mine")}
    assert by_name["a.face2"].identity == by_name["a"].identity == "a"
    assert by_name["a.face2"].read()[0].shape == (90, 80, 3)
    assert photo_of(tmp_path / "b.face2.pts") == tmp_path / "b.face2.jpg"
    with pytest.raises(ImageError, match=r"no photo beside c\.face2\.pts"):
        by_name["c.face2"].read()


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


@pytest.mark.parametrize("count", [3, 4, 5, 9, 10, 20, 24, 60])
def test_every_part_of_a_small_set_has_people_whatever_the_hash(count):
    least = min(5, max(1, count // 5))
    for seed in range(40):
        parts = split([make("w", f"a{i}") for i in range(count)], 0.06, 0.14, seed)
        sizes = {part: len(people(parts, part)) for part in ("train", "val", "test")}
        assert sum(sizes.values()) == count and min(sizes.values()) >= least, (seed, sizes)


def test_where_all_but_a_few_are_held_out_some_are_left_to_train_on():
    parts = split([make("w", f"a{i}") for i in range(50)], val=0.5, test=0.49, seed=0)
    assert len(people(parts, "train")) == 5


def test_two_people_are_enough_where_nobody_is_to_be_tested():
    samples = [make("w", "a"), make("w", "b"), make("w", "c", official=True)]
    for test, members in ((0.0, samples[:2]), (0.2, samples)):
        for seed in range(20):
            parts = split(members, 0.1, test, seed)
            assert len(people(parts, "train")) == len(people(parts, "val")) == 1


def digest(parts) -> str:
    lines = sorted(f"{part} {s.subset} {s.name}" for part, of in parts.items() for s in of)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_large_sets_are_split_as_they_were_before_small_ones_were_helped():
    """Recorded with the hash alone; the names are those of the default training."""
    samples = [
        Sample(f"{i:06d}", "synthetic", f"{i:06d}", False, lambda: None) for i in range(2200)
    ]
    assert digest(split_samples(samples, DEFAULT_PREPARE)) == "edabc8b2e5297d8f"


def test_300w_is_split_as_it_was_before_small_sets_were_helped(real_300w):
    assert digest(split_samples(read_root(real_300w), DEFAULT_PREPARE)) == "f823823f36b2e737"
