"""The fuzz targets can fail, and their code takes its seeds and some hundred changes to them.

`make fuzz` searches for longer, with atheris.
"""

import mmap
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fuzz.__main__ import fuzz_all, rerun
from fuzz.memory import TooMuchMemory, memory_below
from fuzz.mutate import mutate_bytes
from fuzz.mutate_picture import join_jpeg, join_png, join_riff, split_jpeg, split_png, split_riff
from fuzz.mutate_protobuf import join_protobuf, split_protobuf
from fuzz.pictures import small_pictures
from fuzz.targets import NAMES, load_target
from fuzz.targets.onnx_model import small_model

# A function that each target calls.
SUBJECTS = {
    "body": "fkd.server.body.Bodies.picture",
    "checkpoint": "fuzz.targets.checkpoint.load_checkpoint",
    "config": "fuzz.targets.config.read_yaml",
    "cvat": "fkd.datasets.cvat.read_images",
    "connection": "fkd.server.origin_check.OriginCheck.__call__",
    "onnx_model": "fuzz.targets.onnx_model.open_model",
    "picture": "fuzz.targets.picture.decode_image",
    "pts": "fuzz.targets.pts.read_pts",
    "table": "fkd.datasets.readers.youtube_faces.samples",
    "training_state": "fuzz.targets.training_state.begin_or_resume",
    "upload": "fuzz.targets.upload.decode_upload",
}
CHANGES = 25


def planted(*_, **__):
    raise ZeroDivisionError("planted")


@pytest.mark.parametrize("name", NAMES)
def test_a_target_takes_its_seeds_and_changes_to_them(name):
    """The same changes in every run."""
    target, random = load_target(name), Random(1)
    seeds, mutate = target.seeds(), getattr(target, "mutate", mutate_bytes)
    for data in [*seeds, *(mutate(random.choice(seeds), random) for _ in range(CHANGES))]:
        target.check(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_target_finds_a_planted_fault(name, monkeypatch):
    target = load_target(name)
    monkeypatch.setattr(SUBJECTS[name], planted)
    # The server answers its own faults with 500, which the target takes for one.
    with pytest.raises((ZeroDivisionError, AssertionError), match=r"planted| 500 "):
        target.check(target.seeds()[0])


@pytest.mark.parametrize("name", ["picture", "upload"])
def test_a_target_finds_a_decoder_that_takes_a_gigabyte(name, monkeypatch):
    def greedy(*_):
        return np.ones((240_000_000, 3), np.uint8)[:1, None]

    monkeypatch.setattr(SUBJECTS[name], greedy)
    with pytest.raises(TooMuchMemory, match=r"took 7\d\d MB"):
        load_target(name).check(small_pictures()[0])


def test_memory_that_was_given_back_counts_and_what_was_there_before_does_not():
    def fill() -> None:
        # Pages of their own: malloc may serve so much from what the process has kept since before.
        with mmap.mmap(-1, 50_000_000) as pages:
            pages.write(bytes(range(1, 251)) * 200_000)

    kept = bytes(range(1, 251)) * 800_000
    with memory_below(100):
        fill()
    with pytest.raises(TooMuchMemory), memory_below(30):
        fill()
    assert len(kept) == 200_000_000


@pytest.mark.parametrize(
    ("start", "split", "join"),
    [
        (b"\x89PNG", split_png, join_png),
        (b"\xff\xd8", split_jpeg, join_jpeg),
        (b"RIFF", split_riff, join_riff),
    ],
)
def test_a_picture_taken_apart_and_put_together_is_the_same(start, split, join):
    whole = [data for data in small_pictures() if data.startswith(start)]
    whole = [data for data in whole if len(data) > 50]  # one of them lies about its length
    assert len(whole) > 1
    for data in whole:
        assert split(data) and join(split(data)) == data


def test_a_model_taken_apart_and_put_together_is_the_same():
    fields = split_protobuf(small_model())
    assert len(fields) > 4 and join_protobuf(fields) == small_model()


@pytest.mark.parametrize("name", ["checkpoint", "onnx_model", "picture"])
def test_a_file_of_any_kind_that_is_cut_off_can_be_changed_too(name):
    target, random = load_target(name), Random(2)
    seeds = target.seeds()
    changed = 0
    for _ in range(500):
        seed = random.choice(seeds)
        data = seed[: random.randrange(len(seed))]
        changed += target.mutate(data, random) != data
    assert changed > 350


def test_a_finding_is_run_again_by_the_target_that_its_name_begins_with(tmp_path, monkeypatch):
    finding = tmp_path / "pts-crash-1"
    finding.write_bytes(b"1 2")
    rerun(finding)
    monkeypatch.setattr("fuzz.targets.pts.read_pts", planted)
    with pytest.raises(ZeroDivisionError):
        rerun(finding)


@pytest.mark.slow
def test_make_fuzz_writes_the_input_that_fails_and_goes_on(tmp_path, monkeypatch, capsys):
    """With atheris, which `make fuzz` installs."""
    pytest.importorskip("atheris")
    planted_in = tmp_path / "sitecustomize.py"  # the process of each target imports it
    planted_in.write_text(
        "import fkd.io.pts\n"
        "def planted(path): raise ZeroDivisionError('planted')\n"
        "fkd.io.pts.read_pts = planted\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parent}")
    found = fuzz_all(0.1, ["pts", "body"], tmp_path / "findings")
    assert [path.name.split("-")[:2] for path in found] == [["pts", "crash"]]
    said = capsys.readouterr().out
    assert str(found[0]) in said and "body: nothing found" in said
    assert "ZeroDivisionError: planted" in (tmp_path / "findings" / "pts.log").read_text()
