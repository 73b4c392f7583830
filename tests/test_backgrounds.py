"""Backgrounds for synthetic scenes: the table of pictures, and what reads the packages."""

import base64
import hashlib
import struct
import sys
import zlib

import cv2
import numpy as np
import pytest
from conftest import PROJECT

sys.path.insert(0, str(PROJECT))

from tools.backgrounds.packages import PACKAGES, Package, check, files_of
from tools.backgrounds.pictures import pictures, view
from tools.backgrounds.rcc import read_rcc
from tools.backgrounds.table import LICENCES, credits_page, read_table

ROWS = read_table()


def test_every_licence_is_free_and_asks_for_no_more_than_credit():
    assert all(row.licence == "public domain" or row.licence.startswith("CC") for row in ROWS)
    assert not any(word in row.licence for row in ROWS for word in ("SA", "NC", "ND", "GPL"))
    assert {row.licence for row in ROWS} <= set(LICENCES)


def test_every_picture_has_its_credit():
    page = credits_page(ROWS)
    assert page == (PROJECT / "fkd/models/cards/backgrounds.md").read_text(encoding="utf-8")
    for row in ROWS:
        assert row.title and row.author and row.source.startswith("http"), row.name
        line = next(line for line in page.splitlines() if line.startswith(f"- `{row.name}`"))
        assert all(part in line for part in (row.title, row.author, row.source, row.licence))


def test_no_picture_is_taken_twice():
    for column in ("name", "path"):
        values = [getattr(row, column) for row in ROWS]
        assert len(set(values)) == len(values), column


def test_every_row_is_of_a_pinned_package_and_every_package_is_used():
    assert {row.package for row in ROWS} == {package.name for package in PACKAGES}
    assert all(len(package.sha256) == 64 for package in PACKAGES)


def test_a_picture_is_held_out_by_its_name_alone():
    by_name = {row.name: row.held_out for row in ROWS}
    # What was held out once stays so: another rule would train on pictures that test.
    assert by_name["animals-dog"] and not by_name["animals-cow"]
    assert 0.05 < np.mean(list(by_name.values())) < 0.15


def test_another_archive_than_the_pinned_one_is_refused():
    package = Package("npm", "photos", "1.0.0", hashlib.sha256(b"photos").hexdigest())
    check(package, b"photos")
    with pytest.raises(ValueError, match=r"photos 1\.0\.0 has the SHA-256"):
        check(package, b"other photos")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_client_that_is_missing_is_named(package, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=rf"'{package.name}' needs (apt-get|npm|pip), which"):
        files_of(package, [])


def resource_file(version: int, packing: int = 1) -> bytes:
    """A Qt resource file that holds `art/a.webp` as it is and `art/b.txt` packed by zlib.

    Built from Qt's description of the format: a header, the tree's entries, the data, the names.
    """
    plain, text = b"RIFF....", b"text " * 50
    packed = struct.pack(">I", len(text)) + zlib.compress(text)
    data = struct.pack(">I", len(plain)) + plain + struct.pack(">I", len(packed)) + packed
    names, offsets = b"", []
    for name in ("art", "a.webp", "b.txt"):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    time = b"" if version == 1 else bytes(8)
    tree = struct.pack(">IHII", 0, 2, 1, 1) + time
    tree += struct.pack(">IHII", offsets[0], 2, 2, 2) + time
    tree += struct.pack(">IHHHI", offsets[1], 0, 0, 1, 0) + time
    tree += struct.pack(">IHHHI", offsets[2], packing, 0, 1, 4 + len(plain)) + time
    start = 20
    places = (start, start + len(tree), start + len(tree) + len(data))
    return b"qres" + struct.pack(">4I", version, *places) + tree + data + names


@pytest.mark.parametrize("version", [1, 2])
def test_the_files_of_a_qt_resource_file_come_out(version):
    files = read_rcc(resource_file(version))
    assert files == {"art/a.webp": b"RIFF....", "art/b.txt": b"text " * 50}


def test_a_file_of_another_kind_is_no_qt_resource_file():
    with pytest.raises(ValueError, match="no Qt resource file"):
        read_rcc(b"PK\3\4" + bytes(40))


def test_a_file_packed_in_another_way_is_named():
    with pytest.raises(ValueError, match=r"'art/b\.txt' is packed in another way"):
        read_rcc(resource_file(2, packing=4))  # Zstandard


def test_a_large_picture_shrinks_and_what_is_transparent_turns_white():
    image = np.zeros((1000, 2048, 4), np.uint8)
    image[:, :1024, 3] = 255
    (grey,) = pictures("a.png", cv2.imencode(".png", image)[1].tobytes())
    assert grey.shape == (500, 1024) and grey.dtype == np.uint8
    assert (grey[:, :500] == 0).all() and (grey[:, 524:] == 255).all()


def test_a_view_shows_what_lies_where_it_looks():
    # A panorama whose brightness is the longitude: a quarter of it is 90 degrees.
    panorama = np.tile(np.linspace(0, 255, 512).astype(np.uint8), (256, 1))
    for yaw in (-90, 0, 90):
        middle = view(panorama, yaw, 0, 60)[90:102, 90:102].mean()
        assert middle == pytest.approx(255 * (0.5 + yaw / 360), abs=1.5)
    ahead = view(panorama, 0, 0, 90)
    across = float(ahead[96, -1]) - float(ahead[96, 0])
    assert across == pytest.approx(255 * 90 / 360, abs=2.5)
    # Rows of a panorama are latitudes, and down is a larger one.
    upright = np.tile(np.linspace(0, 255, 256).astype(np.uint8)[:, None], (1, 512))
    low = view(upright, 0, 20, 60)[90:102, 90:102].mean()
    assert low == pytest.approx(255 * (0.5 + 20 / 180), abs=1.5)


def test_a_panorama_in_a_javascript_module_gives_views(monkeypatch):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    light = np.full((64, 128, 3), 0.25, np.float32)
    light[:8] = -1000  # as lossy files have it around the sun
    exr = base64.b64encode(cv2.imencode(".exr", light)[1].tobytes())
    views = list(pictures("room.exr.js", b'export default "data:base64,' + exr + b'"'))
    assert len(views) == 16 and all(image.shape == (48, 48) for image in views)


def test_a_file_without_a_picture_is_named():
    with pytest.raises(ValueError, match=r"'a\.png' holds no picture"):
        list(pictures("a.png", b"no picture"))
