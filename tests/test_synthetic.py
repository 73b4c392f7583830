"""Drawn faces: what they promise about themselves, and how their labels compare with people's."""

import dataclasses

import numpy as np
import pytest

from fkd.datasets import pts
from fkd.landmarks import FLIP, RIGHT_EYE
from fkd.metrics import eye_frame
from fkd.params import ParamsError
from fkd.synthetic.anatomy import load_anatomy
from fkd.synthetic.bindings import frontal_shape
from fkd.synthetic.calibration import load_calibration
from fkd.synthetic.camera import View, draw_view, rotation
from fkd.synthetic.canvas import hit
from fkd.synthetic.face import draw_face
from fkd.synthetic.head import pose_person
from fkd.synthetic.keypoints import points_in_picture, points_on_head
from fkd.synthetic.mesh import load_mesh
from fkd.synthetic.person import Person, crowd_drift, draw_person
from fkd.synthetic.raster import rasterise, vertex_normals
from fkd.synthetic.recipe import Recipe, load_recipe
from fkd.synthetic.skin import paint_skin


def test_the_same_recipe_and_number_draw_the_same_face(recipe):
    first, second = draw_face(recipe, 3), draw_face(recipe, 3)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_another_number_and_another_seed_draw_another_face(recipe):
    base, _ = draw_face(recipe, 3)
    for other, _ in (draw_face(recipe, 4), draw_face(dataclasses.replace(recipe, seed=2), 3)):
        assert np.abs(base.astype(int) - other).mean() > 5


def test_points_lie_in_the_picture_and_fill_the_share_the_recipe_says(recipe):
    for index in range(8):
        grey, points = draw_face(recipe, index)
        assert grey.shape == (recipe.size, recipe.size) and grey.dtype == np.uint8
        assert points.shape == (68, 2) and points.dtype == np.float32
        assert points.min() > 0 and points.max() < recipe.size - 1
        longer = np.ptp(points, axis=0).max() / recipe.size
        assert recipe.pose.face_share[0] - 0.08 < longer < recipe.pose.face_share[1] + 0.08


def test_a_finer_drawing_has_its_points_at_the_same_places(recipe):
    fine = dataclasses.replace(recipe, supersample=2)
    np.testing.assert_allclose(draw_face(fine, 5)[1], draw_face(recipe, 5)[1], atol=0.02)


def neutral(expression: dict[str, float]) -> np.ndarray:
    """The mean head with some face units, as points seen from the front in the eye frame."""
    mesh, anatomy = load_mesh(), load_anatomy()
    vertices = anatomy.mean.copy()
    for name, weight in expression.items():
        mesh.add(vertices, f"arkit/{name}", weight)
    return frontal_shape(vertices)


def aperture(shape: np.ndarray) -> float:
    eye = shape[RIGHT_EYE]
    return float(np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4]))


def test_a_blink_more_than_halves_the_right_eyes_opening_and_leaves_the_left():
    open_, closed = neutral({}), neutral({"eyeBlinkRight": 1.0})
    assert aperture(closed) < 0.45 * aperture(open_)
    np.testing.assert_allclose(
        np.diff(closed[42:48], axis=0), np.diff(open_[42:48], axis=0), atol=0.05
    )


def test_lowering_the_jaw_moves_the_inner_lips_apart_and_the_chin_down():
    shut, opened = neutral({}), neutral({"jawOpen": 1.0})
    assert opened[66, 1] - opened[62, 1] > 0.25 + shut[66, 1] - shut[62, 1]
    assert opened[8, 1] > shut[8, 1] + 0.2


def test_the_mean_head_has_the_calibrations_mean_shape():
    apart = np.linalg.norm(
        frontal_shape(load_anatomy().mean) - load_calibration().mean_shape, axis=1
    )
    assert apart.mean() < 0.025  # of the distance of the eyes; 0.041 before the fit


def test_a_crowd_of_drawn_heads_has_the_calibrated_mean_head(recipe):
    neutral_face = dataclasses.replace(
        recipe.expression,
        **{
            field.name: 0.0
            for field in dataclasses.fields(recipe.expression)
            if field.name.endswith("_share")
        },
    )
    heads = [
        draw_person(np.random.default_rng([9, i]), recipe.identity, neutral_face).vertices
        for i in range(150)
    ]
    jaw = load_anatomy().points.vertices[2:15].ravel()
    drift = (np.mean(heads, axis=0) - load_anatomy().mean)[jaw]
    assert np.abs(drift).max() < 0.025  # decimetres
    assert np.abs(crowd_drift(recipe.identity)[jaw]).max() > 0.04  # so the correction is needed


def turned_person(yaw: float, pitch: float = 0.0) -> tuple[View, np.ndarray, np.ndarray]:
    """The mean head turned before a far camera: view, turned vertices, points in the picture."""
    anatomy = load_anatomy()
    view = View(
        turn=rotation(yaw, pitch, 0.0),
        trunk_turn=rotation(yaw, pitch, 0.0),
        distance=15.0,
        centre=np.array([0.0, 0.4, 0.5], np.float32),
        zoom=150.0,
        offset=np.array([256.0, 256.0], np.float32),
    )
    posed = pose_person(Person(anatomy.mean, 0.5, False, (0.0, 0.0)), view, anatomy)
    points = points_on_head(anatomy, anatomy.mean, anatomy.on_texture(slice(17, 27)))
    return view, posed.turned, points_in_picture(anatomy, view, points, posed.turned)


def test_turning_left_mirrors_turning_right():
    left, right = turned_person(30.0)[2], turned_person(-30.0)[2]
    mirrored = right[FLIP] * [-1, 1] + [512, 0]
    np.testing.assert_allclose(left, mirrored, atol=3.0)


def test_the_hidden_cheeks_jaw_points_lie_on_the_silhouette():
    view, turned, points = turned_person(40.0)
    anatomy, mesh = load_anatomy(), load_mesh()
    face_only = anatomy.solid[mesh.ears[anatomy.solid].max(axis=1) < 0.2]
    ids, _, _ = rasterise(view.project(turned), face_only, 512, 512, False)
    rows = ids[points[13:16, 1].astype(int)]  # jaw points of the far side
    edges = [np.flatnonzero(row >= 0) for row in rows]
    # The head turned to its left: the far cheek is at the right edge of each row.
    gaps = [edge.max() - x for edge, x in zip(edges, points[13:16, 0], strict=True)]
    assert max(abs(gap) for gap in gaps) < 0.06 * np.ptp(points[:, 1]), gaps


def test_the_nose_tip_is_the_foremost_place_of_a_frontal_face():
    _, turned, _ = turned_person(0.0)
    anatomy = load_anatomy()
    depth = anatomy.points.of(turned)[:, 2]
    assert depth.argmax() == 30


def test_the_rasteriser_finds_the_nearer_of_two_triangles_and_its_place():
    corners = np.array(
        [[0, 0, 1], [20, 0, 1], [0, 20, 1], [0, 0, 5], [10, 0, 5], [0, 10, 5]], np.float32
    )
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    ids, weights, depth = rasterise(corners, triangles, 20, 20, False)
    assert ids[2, 2] == 1 and depth[2, 2] == 5  # the small one is nearer
    assert ids[12, 2] == 0 and ids[19, 19] == -1
    u, v = weights[12, 2]
    np.testing.assert_allclose([20 * u, 20 * v], [2.5, 12.5], atol=1e-4)


def test_culling_leaves_out_the_backs():
    corners = np.array([[0, 0, 1], [20, 0, 1], [0, 20, 1]], np.float32)
    shown = [
        (rasterise(corners, np.array([order], np.int32), 20, 20, True)[0] >= 0).sum()
        for order in ([0, 1, 2], [0, 2, 1])
    ]
    assert sorted(shown)[0] == 0 and sorted(shown)[1] > 150


def test_interpolated_values_at_hit_pixels_are_linear_in_the_picture():
    corners = np.array([[0, 0, 1], [30, 0, 1], [0, 30, 1]], np.float32)
    hits = hit(corners, np.array([[0, 1, 2]], np.int32), corners[:, :2].copy(), 30, False)
    places = np.stack(hits.pixels[::-1], axis=1) + 0.5
    np.testing.assert_allclose(hits.values, places, atol=1e-4)


def test_normals_of_a_flat_mesh_point_straight_at_us():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    np.testing.assert_allclose(vertex_normals(corners, triangles), [[0, 0, 1]] * 4, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("smile_share: 0.50", "smiling: 0.50", "expression: unknown key 'smiling'"),
        ("count: ", "count: many # ", "count: 'many' is not a whole number"),
        ("smile: [0.15, 1.15]", "smile: [0.15]", r"smile: \[0.15\] is not a list of 2"),
        ("yaw_sd: 16.0", "", "pose: yaw_sd is missing"),
    ],
)
def test_a_wrong_key_of_the_recipe_is_named(tmp_path, old, new, message):
    from conftest import PROJECT

    text = (PROJECT / "data/synthetic/recipe.yaml").read_text()
    assert old in text
    (tmp_path / "recipe.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError, match=message):
        load_recipe(tmp_path / "recipe.yaml")


def drawn_shapes(recipe: Recipe, count: int) -> np.ndarray:
    """Labels of drawn faces in the eye frame, without drawing them."""
    anatomy = load_anatomy()
    shapes = []
    for i in range(count):
        rng = np.random.default_rng([7, i])
        person = draw_person(rng, recipe.identity, recipe.expression)
        paint = paint_skin(
            rng, recipe.skin, recipe.brows, recipe.hair, anatomy, person.male, person.child
        )
        points = points_on_head(anatomy, person.vertices, paint.brows)
        view = draw_view(rng, recipe.pose, points, 352)
        turned = pose_person(person, view, anatomy).turned
        shapes.append(eye_frame(points_in_picture(anatomy, view, points, turned)))
    return np.array(shapes)


def test_labels_follow_300ws_habits_at_each_yaw(real_300w, recipe):
    """Medians of drawn and real training labels in the eye frame, by how far the nose is turned."""
    names = [s.name for s in pts.samples(real_300w, "300w") if not s.official_test]
    real = np.array([eye_frame(pts.read_pts(real_300w / f"{name}.pts")) for name in names])
    drawn = drawn_shapes(recipe, 1200)
    both = [np.concatenate([shapes, shapes[:, FLIP] * [-1, 1]]) for shapes in (real, drawn)]
    for low, high, allowed in ((-0.05, 0.05, 0.06), (0.1, 0.2, 0.09), (0.25, 0.4, 0.14)):
        medians = []
        for shapes in both:
            nose = shapes[:, 30, 0]
            medians.append(np.median(shapes[(nose > low) & (nose < high)], axis=0))
        apart = np.linalg.norm(medians[0] - medians[1], axis=1)
        assert apart.max() < allowed, (low, high, apart.argmax(), apart.max())
        assert apart.mean() < allowed / 2
