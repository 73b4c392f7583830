"""Which pictures of a folder are read, and what is said of the others."""

import json
import re

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from fkd.cli import app
from fkd.inference.batch import Outputs, conflict, find_photos
from fkd.io import folders
from fkd.io.folders import photos_below
from fkd.io.images import read_picture

GREY = Pillow.fromarray(np.arange(63, dtype=np.uint8).reshape(9, 7))


@pytest.mark.parametrize(
    "suffix", ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "gif", "ppm", "pgm", "pnm"]
)
def test_each_suffix_of_a_photo_is_found_in_a_folder_and_read(suffix, tmp_path):
    file = tmp_path / f"A.{suffix.upper()}"
    GREY.save(file, "PPM" if suffix == "pnm" else None)
    assert photos_below(tmp_path) == ([file], [])
    assert read_picture(file).pixels.shape == (9, 7, 3)


def test_hidden_files_and_what_is_in_hidden_folders_are_no_photos_unless_named(tmp_path):
    folder = tmp_path / ".shown"
    for name in ("a.png", "._a.png", ".jp2", "._b.jp2", ".thumbnails/a.png", "below/._a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        GREY.save(folder / name, "PNG")
    assert photos_below(folder) == ([folder / "a.png"], [])
    (named,), wrong = find_photos([str(folder / "._a.png")], tmp_path)
    assert named.place == folder / "._a.png" and not wrong


def test_what_is_not_read_is_counted_and_said_once(tmp_path):
    for name in ("a.jp2", "b.JP2", "deep/c.cr2", "labels.pts", "notes.txt", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    photos, said = photos_below(tmp_path)
    assert [photo.name for photo in photos] == ["d.png"]
    assert said == [f"{tmp_path}: skipped 2 .jp2, 1 .cr2, which are not read"]


def test_heic_photos_are_found_or_counted_with_what_to_type(tmp_path, monkeypatch):
    for name in ("a.heic", "b.HEIC", "c.hif"):
        (tmp_path / name).touch()
    assert len(photos_below(tmp_path)[0]) == 3
    monkeypatch.setattr(folders, "can_read_heic", lambda: False)
    photos, (said,) = photos_below(tmp_path)
    assert photos == [] and re.search(r"2 \.heic, 1 \.hif, .* pip install .*\[formats\]", said)


def test_a_folder_of_nothing_but_unread_pictures_is_not_called_empty(tmp_path):
    (tmp_path / "a.jp2").touch()
    assert find_photos([str(tmp_path)], tmp_path / "out")[1] == photos_below(tmp_path)[1]


def animated(kind: str, path) -> None:
    GREY.save(path, kind, save_all=True, append_images=[GREY.rotate(180)], lossless=True)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_of_several_pictures_the_first_is_read_and_that_is_told(kind, tmp_path):
    animated(kind, tmp_path / "several")
    GREY.save(tmp_path / "one", kind, lossless=True)
    several, one = read_picture(tmp_path / "several"), read_picture(tmp_path / "one")
    assert (several.several, one.several) == (True, False)
    np.testing.assert_array_equal(several.pixels, one.pixels)


def test_infer_says_what_it_skips_and_reads_in_part_and_exits_with_1(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    animated("GIF", folder / "a.gif")
    (folder / "b.jp2").touch()
    GREY.save(folder / "c.png")
    done = CliRunner().invoke(app, ["infer", str(folder), "--json"])
    several = [json.loads(line)["several_pictures"] for line in done.stdout.splitlines()]
    assert done.exit_code == 1 and several == [True, False]
    assert done.stderr.splitlines() == [
        f"fkd: {folder}: skipped 1 .jp2, which are not read",
        f"fkd: {folder / 'a.gif'}: has several pictures, of which the first is read",
    ]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://a.example/holiday/b.jpg?width=9", "b"),
        ("http://a.example/..", "photo"),
        ("https://a.example", "photo"),
        ("http://[::1", "photo"),
        ("http://a.example/%2e%2e%2fb:c.jpg#d/e", "_2e_2e_2fb_c"),
        (f"http://a.example/{'x' * 900}.jpg", "x" * 96),
    ],
)
def test_results_of_an_address_are_called_as_the_end_of_its_path(address, name, tmp_path):
    (source,), wrong = find_photos([address], tmp_path)
    assert (source.label, str(source.output), wrong) == (address, name, [])
    assert conflict([source], Outputs(tmp_path, overlay=True, csv=False, pts=True)) is None
