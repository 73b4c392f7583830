"""Files are written whole or not at all."""

import pytest

from fkd.io.files import sentence, whole_file, write_whole


def test_a_file_that_does_not_fit_is_named_and_leaves_the_one_before(tmp_path, small_files):
    path = tmp_path / "a.json"
    write_whole(path, b"before")
    with small_files(4096), pytest.raises(OSError) as full:
        write_whole(path, bytes(10_000))
    assert sentence(full.value) == f"{path}: file too large"
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"before")]


def test_a_folder_that_cannot_be_made_is_an_error_about_the_file(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OSError) as wrong:
        write_whole(tmp_path / "a" / "b.json", b"{}")
    assert sentence(wrong.value) == f"{tmp_path}/a/b.json: file exists"


def test_a_partial_file_keeps_the_suffix_and_nobody_can_foresee_its_name(tmp_path):
    with whole_file(tmp_path / "a.mp4") as one, whole_file(tmp_path / "a.mp4") as other:
        assert one.suffix == other.suffix == ".mp4"
        assert one.name != other.name and one.parent == tmp_path
