"""The store of prepared faces: a table and shards, here or on a URI."""

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT

from fkd.datasets import shards
from fkd.datasets.sample import BadDataset
from fkd.datasets.saving import SavedShard, save_faces, save_shard, save_table
from fkd.datasets.store import TABLE, Faces, LabelledFace, joined, load_faces


def assert_same(loaded: LabelledFace, kept: LabelledFace) -> None:
    np.testing.assert_array_equal(loaded.grey, kept.grey)
    np.testing.assert_array_equal(loaded.points, kept.points)
    for name in ("name", "subset", "identity", "synthetic", "detector_box", "reference_box"):
        assert getattr(loaded, name) == getattr(kept, name), name
    assert loaded.truth.pose == pytest.approx(kept.truth.pose)
    assert loaded.truth.attributes == pytest.approx(kept.truth.attributes)
    np.testing.assert_array_equal(loaded.truth.visible, kept.truth.visible)
    np.testing.assert_array_equal(loaded.truth.depth, kept.truth.depth)


def shard_names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(f"*{shards.SUFFIX}")}


def test_what_the_store_saves_it_loads_and_the_bytes_repeat(faces, tmp_path):
    for name in ("a", "b"):
        assert save_faces(iter(faces), tmp_path / name, faces_per_shard=7) == len(faces)
    assert len(shard_names(tmp_path / "a")) == 3
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    loaded = load_faces(tmp_path / "a")
    for one, kept in zip(loaded, faces, strict=True):
        assert_same(one, kept)
    assert_same(loaded[-1], faces[-1])
    assert [face.name for face in loaded[3:15:4]] == [face.name for face in faces[3:15:4]]
    with pytest.raises(IndexError):
        loaded[len(faces)]


def test_a_shard_is_named_by_its_hash_and_does_not_depend_on_the_others(faces, tmp_path):
    save_faces(faces, tmp_path / "all", faces_per_shard=10)
    save_faces(faces[10:], tmp_path / "second", faces_per_shard=10)
    assert shard_names(tmp_path / "second") < shard_names(tmp_path / "all")
    for name in shard_names(tmp_path / "all"):
        assert shards.hashed_name(tmp_path / "all" / name) == name


def test_the_table_tells_subsets_people_and_boxes_without_a_shard(faces, tmp_path):
    missed = dataclasses.replace(faces[1], subset="other", detector_box=None)
    found = dataclasses.replace(faces[0], detector_box=(1, 2, 3, 3))
    save_faces([found, missed], tmp_path)
    loaded = load_faces(tmp_path)
    for name in shard_names(tmp_path):
        (tmp_path / name).unlink()
    assert loaded.columns["subsets"].tolist() == ["synthetic", "other"]
    assert loaded.columns["identities"].tolist() == [faces[0].identity, faces[1].identity]
    assert tuple(loaded.columns["reference_boxes"][1]) == missed.reference_box
    assert loaded.columns["detector_boxes"].any(axis=1).tolist() == [True, False]
    with pytest.raises(BadDataset, match="no such file"):
        loaded[0]


def test_of_a_photo_among_synthetic_faces_no_truth_is_known(faces, tmp_path):
    save_faces([faces[0], dataclasses.replace(faces[1], truth=None)], tmp_path)
    synthetic, photo = load_faces(tmp_path)
    assert synthetic.truth is not None and photo.truth is None
    save_faces([dataclasses.replace(faces[1], truth=None)], tmp_path)
    assert [face.truth for face in load_faces(tmp_path)] == [None]


def test_two_stores_are_joined_and_changed_points_stay_with_their_faces(faces, tmp_path):
    save_faces(faces[:5], tmp_path / "a", faces_per_shard=2)
    save_faces(faces[5:9], tmp_path / "b", faces_per_shard=3)
    first, second = load_faces(tmp_path / "a"), load_faces(tmp_path / "b")
    for one, kept in zip(joined(first, second), faces[:9], strict=True):
        assert_same(one, kept)
    changed = np.stack([face.points + 1 for face in first])
    both = joined(first.with_points(changed), second).take(np.array([4, 5, 0]))
    np.testing.assert_array_equal(both[0].points, faces[4].points + 1)
    np.testing.assert_array_equal(both[1].points, faces[5].points)
    np.testing.assert_array_equal(both[2].points, faces[0].points + 1)
    assert_same(pickle.loads(pickle.dumps(both))[1], faces[5])


def test_an_empty_part_is_saved_and_loaded(tmp_path):
    assert save_faces([], tmp_path / "none") == 0
    none = load_faces(tmp_path / "none")
    assert not none and len(none) == 0 and list(none) == []


def test_a_shard_of_which_all_samples_were_left_out_is_empty(faces, tmp_path):
    pieces = (save_shard(some, tmp_path) for some in ([], faces[:2], [], faces[2:3]))
    assert save_table(pieces, tmp_path) == 3
    assert [face.name for face in load_faces(tmp_path)] == [face.name for face in faces[:3]]


def test_a_full_disk_leaves_the_prepared_faces_of_before_and_is_named(faces, tmp_path, small_files):
    save_faces(faces[:1], tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    with small_files(20_000), pytest.raises(OSError) as full:
        save_faces(faces, tmp_path)
    assert Path(full.value.filename).parent == tmp_path
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    (kept,) = load_faces(tmp_path)
    np.testing.assert_array_equal(kept.grey, faces[0].grey)


def test_a_part_that_is_not_prepared_to_its_end_leaves_nothing(faces, tmp_path):
    def stopped():
        yield from faces[:3]
        raise RuntimeError("a worker died")

    with pytest.raises(RuntimeError):
        save_faces(stopped(), tmp_path, faces_per_shard=2)
    assert list(tmp_path.iterdir()) == []


def test_shards_of_before_are_gone_when_new_ones_are_there(faces, tmp_path):
    save_faces(faces[:4], tmp_path, faces_per_shard=2)
    save_faces(faces[2:8], tmp_path, faces_per_shard=2)
    assert len(shard_names(tmp_path)) == 3
    assert [face.name for face in load_faces(tmp_path)] == [face.name for face in faces[2:8]]


@pytest.mark.parametrize("what", ["table", "shard"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_damaged_prepared_faces_are_one_sentence(faces, tmp_path, what, share):
    save_faces(faces, tmp_path)
    path = tmp_path / (TABLE if what == "table" else min(shard_names(tmp_path)))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BadDataset, match="its prepared faces are damaged; prepare them again"):
        load_faces(tmp_path)


def test_a_store_on_a_uri_is_fetched_shard_by_shard_and_once(faces, tmp_path, monkeypatch):
    """fsspec's own folder in memory stands for a bucket."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri, here = "memory://bucket/faces", tmp_path / "here"
    pieces = [save_shard(some, here, uri) for some in (faces[:3], faces[3:6])]
    save_table(pieces, here, uri)
    assert {path.name for path in here.iterdir()} == {TABLE}
    shards.open_shard.cache_clear()
    for store in (here, uri):
        loaded = load_faces(store)
        assert_same(loaded[4], faces[4])
        assert shard_names(tmp_path / "cache/fkd/shards") == {pieces[1].name}
    monkeypatch.setattr(shards, "get", None)  # what is in the cache is not fetched again
    shards.open_shard.cache_clear()
    assert_same(loaded[3], faces[3])


@pytest.mark.parametrize(
    ("uri", "reason"),
    [("memory://nowhere", "memory://nowhere/faces.npz: "), ("what://x", "what://x/faces.npz: ")],
)
def test_a_uri_that_cannot_be_read_is_one_sentence(uri, reason):
    with pytest.raises(BadDataset) as refused:
        load_faces(uri)
    assert str(refused.value).startswith(reason) and "\n" not in str(refused.value)


def test_a_fetched_shard_of_other_bytes_is_refused(faces, tmp_path, monkeypatch):
    from fsspec.core import url_to_fs

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    piece = save_shard(faces[:2], tmp_path, "memory://changed")
    save_table([piece], tmp_path, "memory://changed")
    filesystem, root = url_to_fs("memory://changed")
    filesystem.pipe_file(f"{root}/{piece.name}", b"x" * piece.size)
    with pytest.raises(BadDataset, match="damaged"):
        load_faces(tmp_path)[0]
    assert not shard_names(tmp_path / "cache/fkd/shards")


MILLION = 1_000_000
OPEN = """
import sys, time
from pathlib import Path
started = time.process_time()
from fkd.datasets.store import load_faces, subsets_of
faces = load_faces(sys.argv[1])
assert len(faces) == 1_000_000 and len(subsets_of(faces)) == 1_000_000
face = faces[123_456]
assert face.name == "123456" and face.grey.shape == (8, 8)
seconds = time.process_time() - started
# Not getrusage's, which begins with what the parent held.
held = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(seconds, int(held) / 1024)
"""


def test_a_million_faces_open_in_two_seconds_and_a_gigabyte(faces, tmp_path):
    """One small shard again and again, under a thousand names. Processor time, which other work on
    the machine does not lengthen."""
    small = np.zeros((8, 8), np.uint8)
    piece = save_shard((dataclasses.replace(face, grey=small) for face in faces * 50), tmp_path)
    written = tmp_path / piece.name
    pieces = []
    for number in range(MILLION // 1000):
        name = f"{number:032x}{shards.SUFFIX}"
        (tmp_path / name).hardlink_to(written)
        names = np.arange(number * 1000, (number + 1) * 1000).astype("U6")
        columns = {**piece.columns, "names": names, "identities": names}
        pieces.append(SavedShard(name, piece.pixels, piece.size, columns))
    save_table(pieces, tmp_path)
    run = [sys.executable, "-c", OPEN, str(tmp_path)]
    done = subprocess.run(run, cwd=PROJECT, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 2 and megabytes < 1024, done.stdout


def test_a_slice_makes_no_face(faces, tmp_path):
    save_faces(faces, tmp_path)
    part = load_faces(tmp_path)[2:]
    assert isinstance(part, Faces) and len(part) == len(faces) - 2
