"""Face chips: the square that is cut, its pixels, and what is refused."""

import cv2
import numpy as np
import pytest

from fkd import Predictor, face_chip
from fkd.geometry.chip import similarity
from fkd.geometry.chip_templates import TEMPLATES
from fkd.landmarks import LEFT_EYE, NOSE_TIP, OUTER_MOUTH_CORNERS, RIGHT_EYE
from fkd.synthetic.mean_head import load_mean_head

# As in the papers and programs that align to them, pixels of a chip of 112.
ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
EYES = np.array([[38.9545, 32.8455], [72.0455, 32.8455], *ARCFACE[2:]])  # of `eyes`, margin 0.25
BLANK = np.zeros((600, 600), np.uint8)
# Points 27 to 67 of a real face, whole pixels, and what `dlib.get_face_chip_details` (dlib 20.0.1)
# says of a face with these points: size, padding, the rectangle's corners, the angle in degrees.
REAL = [
    *[(225, 101), (225, 109), (224, 117), (224, 124), (213, 130), (218, 131), (224, 133)],
    *[(229, 132), (235, 130), (195, 101), (201, 98), (208, 99), (213, 103), (207, 104)],
    *[(201, 104), (238, 105), (244, 100), (250, 100), (256, 105), (251, 107), (244, 106)],
    *[(203, 139), (211, 139), (219, 138), (224, 140), (229, 138), (236, 139), (245, 141)],
    *[(238, 150), (229, 153), (222, 153), (216, 153), (209, 148), (205, 141), (218, 142)],
    *[(223, 143), (229, 142), (242, 142), (228, 146), (222, 148), (217, 147)],
]
DLIB_DETAILS = [
    (150, 0.25, (169.692, 67.0748), (280.745, 178.128), 2.8775839),
    (112, 0.5, (151.017, 48.3992), (299.421, 196.804), 2.8775839),
]


def mean_face(zoom: float = 100.0, degrees: float = 0.0, at: tuple = (300, 250)) -> np.ndarray:
    """The mean head's 68 points, turned clockwise, `zoom` pixels between the eyes."""
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return zoom * load_mean_head().shape @ matrix + at


def face_of_five(five: np.ndarray) -> np.ndarray:
    """68 points whose eyes, nose tip and mouth corners are at five places."""
    points = np.zeros((68, 2))
    points[RIGHT_EYE], points[LEFT_EYE], points[NOSE_TIP] = five[0], five[1], five[2]
    points[list(OUTER_MOUTH_CORNERS)] = five[3:]
    return points


# Eyes that have changed their places, beside a mouth that has not: as much speaks for upside down
# as for upright.
CROSSED = face_of_five(np.array([[446, 200], [154, 200], [300, 200], [124, 200], [476, 200]]))


def grid(width: int, height: int) -> np.ndarray:
    """The places (x, y) of a picture's pixels, (height, width, 2)."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ transform[:, :2].T + transform[:, 2]


def waves(points: np.ndarray) -> np.ndarray:
    """A smooth colour picture, 0..255, of any places (..., 2) in chip pixels."""
    x, y = points[..., 0], points[..., 1]
    blue, green, red = np.sin(x / 9) * np.cos(y / 7), np.sin((x + y) / 12), np.cos(x / 11 - y / 8)
    return 127 + 100 * np.stack([blue, green, red], axis=-1)


@pytest.mark.parametrize("zoom", [0.4, 1.0, 4.6])
@pytest.mark.parametrize("degrees", [0, 35, -120, 180])
@pytest.mark.parametrize(("template", "places"), [("arcface", ARCFACE), ("eyes", EYES)])
def test_a_picture_that_was_turned_scaled_and_moved_comes_back(template, places, degrees, zoom):
    turn = np.radians(degrees)
    linear = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / zoom
    known = np.column_stack([linear, [56, 56] - linear @ [345.3, 318.6]])  # photo to chip
    back = np.linalg.inv(np.vstack([known, [0, 0, 1]]))[:2]
    size = np.array([700, 620])
    photo = np.round(waves(apply(known, grid(*size)))).astype(np.uint8)
    chip = face_chip(photo, face_of_five(apply(back, places)), template=template)
    corners = np.array([[0, 0], size])
    np.testing.assert_allclose(apply(chip.transform, corners), apply(known, corners), atol=0.005)
    assert chip.pixels.shape == (112, 112, 3) and chip.transform.dtype == np.float64
    in_photo = apply(back, grid(112, 112))
    edge = 1 + 2 * zoom  # pixels of the photo, within which black is mixed in
    shown = ((in_photo > edge) & (in_photo < size - 1 - edge)).all(axis=-1)
    difference = np.abs(chip.pixels - waves(grid(112, 112)))[shown]
    assert shown.mean() > 0.8 and difference.max() < 6 and difference.mean() < 1.5


def test_arcfaces_five_points_come_to_lie_on_its_places_at_any_size():
    five = ARCFACE * 3.1 + [40, 70]
    for size, margin in ((112, None), (112, 0.2), (224, 0.0), (80, 0.5)):
        chip = face_chip(BLANK, face_of_five(five), size, margin, "arcface")
        around = margin or 0.0
        expected = ((ARCFACE + 0.5) / 112 + around) / (1 + 2 * around) * size - 0.5
        np.testing.assert_allclose(apply(chip.transform, five), expected, atol=1e-3)
        if (size, margin) == (112, None):
            np.testing.assert_allclose(apply(chip.transform, five), ARCFACE, atol=1e-3)


@pytest.mark.parametrize(("size", "padding", "corner", "opposite", "degrees"), DLIB_DETAILS)
def test_the_square_of_the_dlib_template_is_that_of_dlib(size, padding, corner, opposite, degrees):
    points = np.zeros((68, 2))
    points[27:] = REAL
    chip = face_chip(np.zeros((300, 300), np.uint8), points, size, padding, "dlib")
    linear = chip.transform[:, :2]
    centre = np.linalg.solve(linear, (size - 1) / 2 - chip.transform[:, 2])
    np.testing.assert_allclose(centre, (np.array(corner) + opposite) / 2, atol=1e-3)
    side = size / np.hypot(*linear[0])
    np.testing.assert_allclose(side, opposite[0] - corner[0] + 1, atol=1e-3)  # to the last pixel
    turned = np.degrees(np.arctan2(linear[0, 1], linear[0, 0]))
    np.testing.assert_allclose(turned, degrees, atol=1e-5)


def test_the_similarity_is_that_of_umeyamas_singular_values():
    random = np.random.default_rng(5)
    for _ in range(20):
        x, y = random.normal(size=(2, 7, 2))
        y += 3 * x @ [[0.6, 0.8], [-0.8, 0.6]]
        a, b = x - x.mean(axis=0), y - y.mean(axis=0)
        u, d, vt = np.linalg.svd(b.T @ a / 7)
        signs = np.array([1, np.sign(np.linalg.det(u @ vt))])
        expected = (d @ signs) / a.var(axis=0).sum() * u @ np.diag(signs) @ vt
        factor = similarity(x, y)
        np.testing.assert_allclose(
            [[factor.real, -factor.imag], [factor.imag, factor.real]], expected, atol=1e-9
        )


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_wider_margin_shows_more_around_the_same_square(template):
    points = mean_face()
    tight, wide = (face_chip(BLANK, points, 100, m, template).transform for m in (0.0, 0.5))
    np.testing.assert_allclose(
        apply(wide, points) + 0.5, 25 + (apply(tight, points) + 0.5) / 2, atol=1e-6
    )


def test_without_a_margin_the_points_of_a_mean_face_fill_the_square():
    points = apply(face_chip(BLANK, mean_face(), 100, 0.0).transform, mean_face())
    assert np.abs(points.min(axis=0) - [0, 0]).max() < 8
    assert np.abs(points.max(axis=0) - [99, 99]).max() < 8


def test_a_colour_chip_is_the_grey_chips_of_its_channels():
    photo = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    points = mean_face(degrees=20)
    chip = face_chip(photo, points, 96).pixels
    for channel in range(3):
        alone = np.ascontiguousarray(photo[..., channel])
        np.testing.assert_array_equal(chip[..., channel], face_chip(alone, points, 96).pixels)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_face_larger_than_its_chip_is_averaged_not_sampled(template):
    board = ((np.indices((1200, 1200)).sum(axis=0) % 2) * 255).astype(np.uint8)
    pixels = face_chip(board, mean_face(200, 15, (600, 500)), 64, template=template).pixels
    assert abs(int(pixels.min()) - 127) < 12 and abs(int(pixels.max()) - 127) < 12


def test_chips_of_a_photo_and_of_a_turned_copy_agree(astronaut):
    turn = cv2.getRotationMatrix2D((225, 115), 40, 1.3)
    turn[:, 2] += 60, 150
    turned = cv2.warpAffine(astronaut, turn, (640, 640), flags=cv2.INTER_CUBIC)
    predictor = Predictor("base", detector="neural")
    (first,), (second,) = predictor(astronaut), predictor(turned)
    for template in TEMPLATES:
        one = face_chip(astronaut, first, 96, 0.0, template)
        other = face_chip(turned, second, 96, 0.0, template)
        moved = apply(one.transform, first.points) - apply(other.transform, second.points)
        assert np.linalg.norm(moved, axis=1).mean() < 1.0
        # Half a pixel, by which points differ, is 6 grey levels in the hair that arcface shows.
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 8, template
        mirrored = np.abs(one.pixels.astype(int) - other.pixels[:, ::-1]).mean()
        assert mirrored > 20  # what another picture of the face would give


def test_a_face_and_its_points_give_one_chip_and_outside_the_photo_is_black(astronaut):
    (face,) = Predictor()(astronaut)
    chip = face_chip(astronaut, face, 64, 2.0)
    np.testing.assert_array_equal(chip.pixels, face_chip(astronaut, face.points, 64, 2.0).pixels)
    corners = apply(np.linalg.inv(np.vstack([chip.transform, [0, 0, 1]]))[:2], grid(64, 64))
    outside = (corners < -16).any(axis=-1)  # by two pixels of the chip
    assert outside.any() and chip.pixels[outside].max() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": None}, "image: is None"),
        ({"image": BLANK.astype(float)}, r"image: uint8 .* expected, not float64"),
        ({"image": "a.png"}, "image: uint8 .* expected, not str"),
        ({"image": np.zeros((5, 5, 4), np.uint8)}, "image: 3 channels"),
        ({"face": np.zeros((5, 2))}, "5 points instead of 68"),
        ({"face": np.full((68, 2), np.nan)}, "a point is not a number"),
        ({"face": np.full((68, 2), 40.1)}, "template 'eyes' aligns lie within a pixel"),
        ({"face": CROSSED, "template": "arcface"}, "not placed as those of a face"),
        ({"template": "mtcnn"}, "template 'mtcnn' is not one of eyes, arcface, dlib"),
        ({"size": 0}, "size: a whole number of pixels from 1 to 4096, not 0"),
        ({"size": 112.0}, "size: a whole number of pixels from 1 to 4096, not 112.0"),
        ({"margin": -0.1}, "margin: a number from 0 to 2, not -0.1"),
        ({"margin": float("nan")}, "margin: a number from 0 to 2, not nan"),
    ],
)
def test_what_gives_no_chip_is_named_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        face_chip(**{"image": BLANK, "face": mean_face(), **arguments})


def test_a_chip_of_one_pixel_and_the_largest_are_cut():
    assert face_chip(BLANK, mean_face(), 1).pixels.shape == (1, 1)
    assert face_chip(BLANK, mean_face(30, 45), 4096).pixels.shape == (4096, 4096)
