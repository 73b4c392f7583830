"""What a small file may take: memory and time of decoding, as a client or a stranger sends it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from crafted_heif import with_metadata_of_no_name
from crafted_pictures import LARGE, REFUSED

MOST_MEGABYTES, MOST_SECONDS = 600, 10.0


def decode_apart(files: dict[str, bytes], folder: Path) -> dict[str, dict]:
    """What decoding each file in a process of its own says and takes."""
    paths = [folder / str(number) for number, _ in enumerate(files)]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    command = [sys.executable, str(PROJECT / "tests" / "decode_apart.py"), *map(str, paths)]
    done = subprocess.run(
        command, cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(files, records, strict=True))


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> dict[str, dict]:
    files = {name: data for name, (data, _) in REFUSED.items()}
    return decode_apart(files, tmp_path_factory.mktemp("refused"))


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_claims_or_unfolds_to_very_much_is_refused_in_a_moment(name, refused):
    record, (data, sentence) = refused[name], REFUSED[name]
    assert len(data) < 10_000_000
    assert record["said"].startswith("refused: a: ") and sentence in record["said"]
    assert record["megabytes"] < 100 and record["seconds"] < 2, record


@pytest.mark.parametrize(
    "name",
    [
        "a 16-bit PNG with opacity, to be turned",
        "a WebP with opacity",
        "a HEIC of ten bits",
        pytest.param("a HEIC of ten bits in a tile", marks=pytest.mark.slow),
        pytest.param("an animated GIF", marks=pytest.mark.slow),
        pytest.param("a 16-bit TIFF with opacity", marks=pytest.mark.slow),
        pytest.param("a progressive CMYK JPEG, to be turned", marks=pytest.mark.slow),
    ],
)
def test_forty_megapixels_are_decoded_in_six_hundred_megabytes(name, tmp_path):
    record = decode_apart({name: LARGE[name]()}, tmp_path)[name]
    assert record["said"] in ("8000x5000", "5000x8000"), record
    assert record["megabytes"] < MOST_MEGABYTES and record["seconds"] < MOST_SECONDS, record


def test_a_heic_file_with_metadata_of_no_name_does_not_end_the_process(tmp_path):
    record = decode_apart({"no name": with_metadata_of_no_name()}, tmp_path)["no name"]
    assert record["said"] == "40x60", record
