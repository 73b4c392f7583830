"""Synthetic faces: what they promise of themselves, and how their labels compare with people's."""

import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import PROJECT
from pydantic import BaseModel

from fkd.datasets.readers import pts
from fkd.geometry.alignment import eye_frame
from fkd.io.config import ConfigError
from fkd.io.pts import read_pts
from fkd.landmarks import FLIP, RIGHT_EYE
from fkd.synthetic.anatomy import load_anatomy
from fkd.synthetic.camera import View, rotation_matrix, sample_view
from fkd.synthetic.canvas import rasterize_mesh
from fkd.synthetic.face import render_face
from fkd.synthetic.frontal import frontal_shape
from fkd.synthetic.keypoints import place_points, points_on_head
from fkd.synthetic.mean_head import load_mean_head
from fkd.synthetic.mesh import load_mesh
from fkd.synthetic.person import Demographics, Person, mean_bias, sample_person
from fkd.synthetic.raster import rasterize, vertex_normals
from fkd.synthetic.recipe import Recipe, load_recipe
from fkd.synthetic.shot import PosedHead, pose_head
from fkd.synthetic.skin import sample_skin_texture

ADULT = Demographics(male=0.5, age=40.0, ancestry=(0.0, 0.0, 1.0), child=False)


def test_the_same_recipe_and_number_render_the_same_face(recipe):
    first, second = render_face(recipe, 3), render_face(recipe, 3)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_another_number_and_another_seed_render_another_face(recipe):
    base = render_face(recipe, 3).grey
    for other, *_ in (
        render_face(recipe, 4),
        render_face(recipe.model_copy(update={"seed": 2}), 3),
    ):
        assert np.abs(base.astype(int) - other).mean() > 5


def test_points_lie_in_the_picture_and_span_the_size_the_recipe_says(recipe):
    for index in range(8):
        grey, points, _ = render_face(recipe, index)
        assert grey.shape == (recipe.size, recipe.size) and grey.dtype == np.uint8
        assert points.shape == (68, 2) and points.dtype == np.float32
        assert points.min() > 0 and points.max() < recipe.size - 1
        longer = np.ptp(points, axis=0).max() / recipe.size
        assert recipe.pose.face_size[0] - 0.08 < longer < recipe.pose.face_size[1] + 0.08


def test_supersampling_leaves_the_points_where_they_are(recipe):
    fine = recipe.model_copy(update={"supersample": 2})
    np.testing.assert_allclose(render_face(fine, 5)[1], render_face(recipe, 5)[1], atol=0.02)


def neutral(expression: dict[str, float]) -> np.ndarray:
    """The mean head with some face units, as points seen from the front in the eye frame."""
    mesh, anatomy = load_mesh(), load_anatomy()
    vertices = anatomy.mean.copy()
    for name, weight in expression.items():
        mesh.add_target(vertices, f"arkit/{name}", weight)
    return frontal_shape(anatomy.points.of(vertices))


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


def test_the_mean_head_has_the_mean_shape_it_was_fitted_to():
    apart = np.linalg.norm(neutral({}) - load_mean_head().shape, axis=1)
    assert apart.mean() < 0.025  # of the distance of the eyes; 0.041 before the fit


def test_the_mean_of_sampled_heads_is_the_mean_head(recipe):
    probabilities = [key for key in type(recipe.expression).model_fields if key.endswith("_prob")]
    neutral_face = recipe.expression.model_copy(update=dict.fromkeys(probabilities, 0.0))
    heads = [
        sample_person(np.random.default_rng([9, i]), recipe.identity, neutral_face).vertices
        for i in range(150)
    ]
    jaw = load_anatomy().points.vertices[2:15].ravel()
    bias = (np.mean(heads, axis=0) - load_anatomy().mean)[jaw]
    assert np.abs(bias).max() < 0.025  # decimetres
    assert np.abs(mean_bias(recipe.identity)[jaw]).max() > 0.04  # so the correction is needed


def turned_head(yaw: float, pitch: float = 0.0) -> tuple[PosedHead, np.ndarray]:
    """The mean head turned before a far camera, and its points in the picture."""
    anatomy = load_anatomy()
    view = View(
        rotation=rotation_matrix(yaw, pitch, 0.0),
        trunk_rotation=rotation_matrix(yaw, pitch, 0.0),
        distance=15.0,
        look_at=np.array([0.0, 0.4, 0.5], np.float32),
        scale=150.0,
        principal_point=np.array([256.0, 256.0], np.float32),
    )
    head = pose_head(Person(anatomy.mean, ADULT, (0.0, 0.0), {}), view, anatomy)
    points = points_on_head(anatomy, anatomy.mean, anatomy.on_texture(slice(17, 27)))
    return head, place_points(head, points).placed[:, :2]


def test_turning_left_mirrors_turning_right():
    left, right = turned_head(30.0)[1], turned_head(-30.0)[1]
    mirrored = right[FLIP] * [-1, 1] + [512, 0]
    np.testing.assert_allclose(left, mirrored, atol=3.0)


def test_the_hidden_cheeks_jaw_points_lie_on_the_silhouette():
    head, points = turned_head(40.0)
    solid, mesh = load_anatomy().solid, load_mesh()
    face_only = solid[mesh.ears[solid].max(axis=1) < 0.2]
    ids, _, _ = rasterize(head.view.project(head.vertices), face_only, 512, 512, False)
    rows = ids[points[13:16, 1].astype(int)]  # jaw points of the far side
    edges = [np.flatnonzero(row >= 0) for row in rows]
    # The head turned to its left: the far cheek is at the right edge of each row.
    gaps = [edge.max() - x for edge, x in zip(edges, points[13:16, 0], strict=True)]
    assert max(abs(gap) for gap in gaps) < 0.06 * np.ptp(points[:, 1]), gaps


def test_the_nose_tip_is_the_foremost_point_of_a_frontal_face():
    head, _ = turned_head(0.0)
    depth = head.anatomy.points.of(head.vertices)[:, 2]
    assert depth.argmax() == 30


def test_the_rasterizer_finds_the_nearer_of_two_triangles_and_where_it_is_hit():
    corners = np.array(
        [[0, 0, 1], [20, 0, 1], [0, 20, 1], [0, 0, 5], [10, 0, 5], [0, 10, 5]], np.float32
    )
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    ids, weights, depth = rasterize(corners, triangles, 20, 20, False)
    assert ids[2, 2] == 1 and depth[2, 2] == 5  # the small one is nearer
    assert ids[12, 2] == 0 and ids[19, 19] == -1
    u, v = weights[12, 2]
    np.testing.assert_allclose([20 * u, 20 * v], [2.5, 12.5], atol=1e-4)


def test_culling_leaves_out_the_backs():
    corners = np.array([[0, 0, 1], [20, 0, 1], [0, 20, 1]], np.float32)
    shown = [
        (rasterize(corners, np.array([order], np.int32), 20, 20, True)[0] >= 0).sum()
        for order in ([0, 1, 2], [0, 2, 1])
    ]
    assert sorted(shown)[0] == 0 and sorted(shown)[1] > 150


def test_interpolated_attributes_are_linear_in_the_picture():
    corners = np.array([[0, 0, 1], [30, 0, 1], [0, 30, 1]], np.float32)
    triangles, attributes = np.array([[0, 1, 2]], np.int32), corners[:, :2].copy()
    fragments = rasterize_mesh(corners, triangles, attributes, 30, False)
    centres = np.stack(fragments.pixels[::-1], axis=1) + 0.5
    np.testing.assert_allclose(fragments.attributes, centres, atol=1e-4)


def test_normals_of_a_flat_mesh_point_straight_at_us():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    np.testing.assert_allclose(vertex_normals(corners, triangles), [[0, 0, 1]] * 4, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("smile_prob: 0.50", "smiling: 0.50", "unknown key 'expression.smiling'; known are brows_"),
        ("yaw_std: 16.0", "", "pose.yaw_std is missing"),
        ("count: ", "count: many # ", "count: 'many' is not a whole number"),
        ("count: ", "count: 0 # ", "count: 0 is not greater than or equal to 1"),
        ("child_prob: 0.12", "child_prob: true", "identity.child_prob: True is not a number"),
        (
            "child_prob: 0.12",
            "child_prob: 1.2",
            "identity.child_prob: 1.2 is not less than or equal to 1",
        ),
        ("roll_std: 8.0", "roll_std: .inf", "pose.roll_std: inf is not a finite number"),
        ("smile: [0.15, 1.15]", "smile: [0.15]", "expression.smile: [0.15] is not a list of 2 num"),
        ("smile: [0.15, 1.15]", "smile: 0.15", "expression.smile: 0.15 is not a list of 2 numbers"),
        (
            "smile: [0.15, 1.15]",
            "smile: [1.15, 0.15]",
            "expression.smile: the range [1.15, 0.15] has its ends the wrong way round",
        ),
        ("noise: [0.003, 0.04]", "noise: [0.003, x]", "degradation.noise.1: 'x' is not a number"),
        ("jpeg: [20, 95]", "jpeg: [20, 950]", "degradation.jpeg.1: 950 is not less than or equal"),
        (
            "brows_up_prob: 0.2",
            "brows_up_prob: 0.9",
            "expression: brows_up_prob + brows_down_prob is 1.1, more than 1",
        ),
    ],
)
def test_what_is_wrong_with_a_recipe_is_one_sentence_that_names_the_key(
    tmp_path, old, new, message
):
    text = (PROJECT / "data/synthetic/recipe.yaml").read_text()
    assert old in text
    (tmp_path / "recipe.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as error:
        load_recipe(tmp_path / "recipe.yaml")
    assert str(error.value).startswith(f"recipe.yaml: {message}")
    assert "\n" not in str(error.value)


def descriptions(kind: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    """Every key of a model and of its sections, with what says what it means."""
    for key, field in kind.model_fields.items():
        yield f"{kind.__name__}.{key}", field.description
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from descriptions(field.annotation)


def test_every_key_of_the_recipe_is_described():
    described = dict(descriptions(Recipe))
    assert len(described) > 100
    assert not [key for key, text in described.items() if not text or not text.endswith(".")]


def test_a_recipe_can_be_sent_to_a_worker_and_its_sections_be_keys(recipe):
    again = pickle.loads(pickle.dumps(recipe))
    assert again == recipe and hash(again.identity) == hash(recipe.identity)


def synthetic_shapes(recipe: Recipe, count: int) -> np.ndarray:
    """Labels of synthetic faces in the eye frame, without rendering them."""
    anatomy = load_anatomy()
    shapes = []
    for i in range(count):
        rng = np.random.default_rng([7, i])
        person = sample_person(rng, recipe.identity, recipe.expression)
        texture = sample_skin_texture(rng, recipe, anatomy, person)
        points = points_on_head(anatomy, person.vertices, texture.brows)
        head = pose_head(person, sample_view(rng, recipe.pose, points, 352), anatomy)
        shapes.append(eye_frame(place_points(head, points).placed[:, :2]))
    return np.array(shapes)


@pytest.mark.slow
def test_labels_follow_300ws_annotation_bias_at_each_yaw(real_300w, recipe):
    """Medians of synthetic and real training labels in the eye frame, by how far the nose turns."""
    names = [s.name for s in pts.samples(real_300w, "300w") if not s.official_test]
    real = np.array([eye_frame(read_pts(real_300w / f"{name}.pts")) for name in names])
    synthetic = synthetic_shapes(recipe, 1200)
    both = [np.concatenate([shapes, shapes[:, FLIP] * [-1, 1]]) for shapes in (real, synthetic)]
    for low, high, allowed in ((-0.05, 0.05, 0.06), (0.1, 0.2, 0.09), (0.25, 0.4, 0.14)):
        medians = []
        for shapes in both:
            nose = shapes[:, 30, 0]
            medians.append(np.median(shapes[(nose > low) & (nose < high)], axis=0))
        apart = np.linalg.norm(medians[0] - medians[1], axis=1)
        assert apart.max() < allowed, (low, high, apart.argmax(), apart.max())
        assert apart.mean() < allowed / 2
