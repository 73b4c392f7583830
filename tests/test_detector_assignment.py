"""Which cells answer for which face, cell by cell in plain loops beside all at once in torch."""

import numpy as np
import pytest
import torch

from fkd.detection.maps import overlaps
from fkd.training.detector.assignment import Targets, assign
from fkd.training.detector.network import Predictions

SIDE = 128
# The sides that a stride answers for, pixels: from, and below.
SIDES = {8: (0, 40), 16: (24, 96), 32: (64, np.inf)}
CELLS = [
    (stride * (column + 0.5) - 0.5, stride * (row + 0.5) - 0.5, stride)
    for stride in SIDES
    for row in range(SIDE // stride)
    for column in range(SIDE // stride)
]
CENTRES = torch.tensor([cell[:2] for cell in CELLS])
STRIDES = torch.tensor([float(cell[2]) for cell in CELLS])


def targets_of(scenes: list[np.ndarray], certain: list[np.ndarray]) -> tuple[Targets, torch.Tensor]:
    """The targets of scenes with faces (F, 3), padded to a batch, and what the cells answered."""
    most = max(map(len, scenes))
    faces, sure = torch.zeros(len(scenes), most, 3), torch.zeros(len(scenes), most, dtype=bool)
    for i, (of_scene, known) in enumerate(zip(scenes, certain, strict=True)):
        faces[i, : len(of_scene)] = torch.from_numpy(of_scene)
        sure[i, : len(known)] = torch.from_numpy(known)
    random = torch.Generator().manual_seed(0)
    wander = torch.randn(len(scenes), len(CELLS), 3, generator=random) * 4
    answers = torch.cat([CENTRES, 4 * STRIDES[:, None]], dim=1) + wander
    told = Predictions(torch.zeros(answers.shape[:2]), answers, torch.zeros(*answers.shape[:2], 5))
    return assign(told, CENTRES, STRIDES, faces, sure), answers


def expected(cell: tuple, faces: np.ndarray, certain: np.ndarray) -> tuple[int, bool]:
    """The face that a cell answers for, -1 for none, and whether it is asked at all."""
    x, y, stride = cell
    least, largest = SIDES[stride]
    candidates, unsure = [], False
    for number, (face_x, face_y, side) in enumerate(faces):
        distance = max(abs(face_x - x), abs(face_y - y))
        if not certain[number]:
            unsure |= distance < 1.3 * stride or distance < side / 2
        elif distance < 1.3 * stride and least <= side < largest:
            candidates.append((distance, number))
    face = min(candidates)[1] if candidates else -1
    return face, face >= 0 or not unsure


def crowds() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scenes of no to seven faces of all sizes, of some of which nobody is sure."""
    rng = np.random.default_rng(0)
    scenes = [
        np.column_stack([rng.uniform(0, SIDE, (n, 2)), np.exp(rng.uniform(1.5, 5, n))])
        for n in range(8)
    ]
    return [s.astype(np.float32) for s in scenes], [rng.random(len(s)) < 0.7 for s in scenes]


def test_each_cell_answers_for_the_nearest_face_of_its_size_around_it():
    scenes, certain = crowds()
    targets, _ = targets_of(scenes, certain)
    for i, (faces, known) in enumerate(zip(scenes, certain, strict=True)):
        found = zip(targets.face[i].tolist(), targets.asked[i].tolist(), strict=True)
        assert list(found) == [expected(cell, faces, known) for cell in CELLS]
    assert (targets.face >= 0).sum() > 80 and (~targets.asked).sum() > 100


def test_the_overlap_is_that_of_the_cells_answer_and_its_face():
    scenes, certain = crowds()
    targets, answers = targets_of(scenes, certain)
    compared = []
    for i, cell in (targets.face >= 0).nonzero().tolist():
        face = scenes[i][targets.face[i, cell]]
        (wanted,) = overlaps(face, answers[i, cell].numpy()[None])
        assert targets.overlap[i, cell].item() == pytest.approx(wanted, abs=1e-5)
        compared.append(wanted)
    assert np.ptp(compared) > 0.5


@pytest.mark.parametrize("side", [3, 12, 23, 24, 39, 40, 63, 64, 95, 96, 500])
def test_a_face_of_any_side_anywhere_in_the_scene_has_cells_of_its_own(side):
    rng = np.random.default_rng(side)
    places = rng.uniform(0, SIDE - 1, (20, 2))
    scenes = [np.array([[x, y, side]], np.float32) for x, y in places]
    targets, _ = targets_of(scenes, [np.ones(1, bool)] * len(scenes))
    count = (targets.face == 0).sum(dim=1)
    assert count.min() >= 1 and count.max() <= 18 and targets.asked.all()


def test_two_faces_side_by_side_both_have_cells():
    faces = np.array([[40, 64, 32], [60, 64, 32], [100, 20, 8]], np.float32)
    targets, _ = targets_of([faces], [np.ones(3, bool)])
    assert set(targets.face[0].tolist()) == {-1, 0, 1, 2}


def test_faces_nobody_is_sure_of_are_not_asked_for():
    targets, _ = targets_of([np.array([[64, 64, 32]], np.float32)], [np.zeros(1, bool)])
    inside = (CENTRES - 64).abs().amax(dim=1) < 16
    assert (targets.face < 0).all()
    assert not targets.asked[0][inside].any() and targets.asked[0].sum() > 200
