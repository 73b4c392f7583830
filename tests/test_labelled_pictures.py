"""Pictures with all their faces labelled: a table of boxes, or `.pts` files, as squares."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fkd.datasets.labelled_pictures import read_pictures, square_of_box
from fkd.datasets.sample import BadDataset
from fkd.geometry.boxes import box_around, reference_box
from fkd.io.images import ImageError
from fkd.io.pts import format_pts
from fkd.landmarks import LEFT_EYE, NOSE_TIP, OUTER_MOUTH_CORNERS, RIGHT_EYE

HEADER = "file,x,y,width,height"


def upright_face(x: float, y: float, side: float) -> np.ndarray:
    """68 points whose bounding square, around (x, y), has this side: a jaw, and inside it eyes,
    nose and mouth where an upright face has them."""
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = 0.5 * np.array([np.cos(turn), np.sin(turn)]).T
    points[RIGHT_EYE], points[LEFT_EYE] = (-0.22, -0.25), (0.22, -0.25)
    points[[NOSE_TIP, *OUTER_MOUTH_CORNERS]] = [(0, -0.02), (-0.18, 0.2), (0.18, 0.2)]
    points[[0, 1, 2, 3]] = [(-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)]
    return (points * side + (x, y)).astype(np.float32)


def turned(points: np.ndarray, degrees: float, x: float, y: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - (x, y)) @ matrix.T + (x, y)).astype(np.float32)


def write_photo(path: Path, brightness: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((90, 120, 3), brightness, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, brightness in (("b.png", 200), ("in/a.png", 50)):
        write_photo(tmp_path / name, brightness)
    return tmp_path


def table(folder: Path, *lines: str, header: str = HEADER) -> Path:
    (folder / "boxes.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


@pytest.mark.parametrize("face", [(60, 55, 40), (31.5, 70.25, 17), (300, 200, 171)])
def test_the_square_of_a_reference_box_is_the_faces_own(face):
    """To a pixel, which boxes are rounded to."""
    x, y, side = face
    box = reference_box(upright_face(x, y, side))
    np.testing.assert_allclose(square_of_box(*box), (x, y, side / 0.88), atol=0.6)


def test_the_square_of_a_box_has_that_box():
    for box in [(0, 0, 50, 50), (13, 7, 31, 31), (-20, 140, 400, 400)]:
        assert box_around(*square_of_box(*box)) == box


def test_a_box_that_is_not_square_counts_as_the_square_of_its_area_around_its_centre():
    x, y, side = square_of_box(10, 20, 32, 50)
    assert side == 40 and (x, y) == pytest.approx(square_of_box(6, 25, 40, 40)[:2])


def test_a_table_gives_each_picture_with_all_its_faces_by_name(folder):
    table(folder, "in/a.png,10,20,30,30", "b.png,5,6,20,20", "in/a.png,60,30,16,25")
    pictures = list(read_pictures(folder))
    assert [picture.name for picture in pictures] == ["b.png", "in/a.png"]
    assert [picture.grey[0, 0] for picture in pictures] == [200, 50]
    assert all(picture.grey.shape == (90, 120) for picture in pictures)
    expected = [square_of_box(10, 20, 30, 30), square_of_box(60, 30, 16, 25)]
    np.testing.assert_allclose(pictures[1].faces, expected)
    np.testing.assert_allclose(pictures[0].faces, [square_of_box(5, 6, 20, 20)])


@pytest.mark.parametrize("degrees", [0, 15, -90, 160])
def test_points_give_the_square_of_the_face_as_it_is_upright(degrees, folder):
    points = turned(upright_face(60, 45, 40), degrees, 60, 45)
    (folder / "b.pts").write_text(format_pts(points))
    (folder / "b.face2.pts").write_text(format_pts(upright_face(100, 30, 22)))
    (picture,) = read_pictures(folder)
    assert picture.name == "b.png"
    expected = [(60, 45, 40 / 0.88), (100, 30, 22 / 0.88)]
    np.testing.assert_allclose(picture.faces, expected, atol=0.01)


def test_a_table_goes_before_points(folder):
    (folder / "b.pts").write_text(format_pts(upright_face(60, 45, 40)))
    (picture,) = read_pictures(table(folder, "in/a.png,10,20,30,30"))
    assert picture.name == "in/a.png"


def test_pictures_are_read_one_by_one(folder):
    """The second is missing, and the first comes nevertheless."""
    pictures = read_pictures(table(folder, "b.png,5,6,20,20", "missing.png,1,2,30,30"))
    assert next(pictures).name == "b.png"
    with pytest.raises(ImageError, match=r"missing\.png"):
        next(pictures)


@pytest.mark.parametrize(
    "line",
    [
        "b.png,1,2,30",
        "b.png,1,2,30,30,5",
        "b.png,1,2,wide,30",
        "b.png,1,2,30,nan",
        "b.png,inf,2,30,30",
        "b.png,1,2,0,30",
        "b.png,1,2,30,-30",
        "b.png,1,2,-30,-30",
        "",
    ],
)
def test_a_line_that_is_no_box_is_named_by_its_number(line, folder):
    table(folder, "in/a.png,10,20,30,30", line, "b.png,5,6,20,20")
    with pytest.raises(BadDataset, match=r"boxes\.csv: line 3 is not " + HEADER):
        list(read_pictures(folder))


@pytest.mark.parametrize("header", ["", "file,x,y,w,h", "b.png,5,6,20,20"])
def test_a_table_of_other_columns_is_refused(header, folder):
    table(folder, "b.png,5,6,20,20", header=header)
    with pytest.raises(BadDataset, match=rf"boxes\.csv: its first line is not {HEADER}$"):
        list(read_pictures(folder))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00file", b"file,x,y,width,height\n" + 140_000 * b"x"])
def test_a_table_that_is_not_text_is_refused(data, folder):
    (folder / "boxes.csv").write_bytes(data)
    with pytest.raises(BadDataset, match=r"boxes\.csv: is not a table in UTF-8$"):
        list(read_pictures(folder))


def test_a_picture_elsewhere_is_named_by_its_way_from_the_folder(tmp_path):
    write_photo(tmp_path / "photos" / "b.png")
    (tmp_path / "labels").mkdir()
    for name in ("../photos/b.png", str(tmp_path / "photos" / "b.png")):
        (picture,) = read_pictures(table(tmp_path / "labels", f"{name},5,6,20,20"))
        assert picture.name == "../photos/b.png"


def test_labels_that_are_no_68_points_are_named(folder):
    (folder / "in" / "a.pts").write_text("1 2\n3 4\n")
    with pytest.raises(BadDataset, match=r"in/a\.pts: 2 points instead of 68$"):
        list(read_pictures(folder))


@pytest.mark.parametrize("lines", [[], None])
def test_a_folder_without_labels_is_refused(lines, folder):
    if lines is not None:
        table(folder)
    with pytest.raises(BadDataset, match=r"^\S+: expected boxes\.csv, or photos with \.pts files"):
        list(read_pictures(folder))
