"""The networks and their losses, against constructed answers."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from fkd.training.loop.schedule import OPTIMIZERS, SCHEDULES
from fkd.training.losses import (
    LOSSES,
    adaptive_wing,
    gaussians,
    heatmap_divergence,
    mse,
    view_loss,
    wing,
)
from fkd.training.networks import NETWORKS, View, expectation

SIZES = {"cnn5": 224, "pyramid": 128, "nano": 96, "wide": 160}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_points_in_crop_pixels_and_heatmaps_that_sum_to_one(name):
    size = SIZES[name]
    net = NETWORKS[name](size).eval()
    with torch.inference_mode():
        answer = net(torch.rand(3, 1, size, size) * 255)
    assert answer.points.shape == (3, 68, 2) and answer.points.dtype == torch.float32
    assert (answer.points - size / 2).abs().max() < size
    with torch.inference_mode():
        layers = net.feature_maps(torch.rand(1, 1, size, size) * 255)
    assert len(layers) == 2 and all(layer.ndim == 4 for layer in layers)
    if answer.heatmaps is not None:
        torch.testing.assert_close(answer.heatmaps.sum((2, 3)), torch.ones(3, 68))


def test_cnn5_is_the_recipe_layer_by_layer():
    layers = list(NETWORKS["cnn5"](224).trunk)
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [32, 64, 128, 256, 512]
    assert [c.kernel_size for c in convolutions] == [(5, 5), (3, 3), (3, 3), (3, 3), (1, 1)]
    assert [type(layer).__name__ for layer in layers] == ["Conv2d", "ReLU", "MaxPool2d"] * 5
    head = NETWORKS["cnn5"](224).head
    assert (head.in_features, head.out_features) == (512 * 7 * 7, 136)


def test_pyramid_has_two_million_parameters():
    count = sum(weight.numel() for weight in NETWORKS["pyramid"](128).parameters())
    assert 1.9e6 < count < 2.1e6


def test_nanos_weights_stay_under_a_megabyte_and_a_half():
    assert 4 * sum(value.numel() for value in NETWORKS["nano"](96).state_dict().values()) < 1.5e6


def test_the_expectation_of_a_heatmap_with_one_cell_is_that_cells_centre():
    heatmaps = torch.zeros(1, 68, 32, 32)
    heatmaps[:, :, 10, 20] = 1
    # Cells are 4 px wide: cell 20 covers pixels 80 to 83, whose centre is 81.5.
    torch.testing.assert_close(expectation(heatmaps, 128)[0, 0], torch.tensor([81.5, 41.5]))


def test_the_expectation_of_a_gaussian_is_its_centre():
    points = torch.tensor([[[60.3, 71.9]]])
    heatmaps = gaussians(points, 32, 32, 128)
    torch.testing.assert_close(expectation(heatmaps, 128), points, atol=0.01, rtol=0)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_zero_at_the_truth_and_grows_away_from_it(name):
    truth = torch.rand(4, 68, 2)
    values = [float(LOSSES[name](truth + shift, truth)) for shift in (0.0, 0.01, 0.05, 0.2, 0.6)]
    assert values[0] == 0 and values == sorted(values)


def test_mse_is_that_of_keypoints_in_minus_one_to_one():
    assert float(mse(torch.full((1, 68, 2), 0.6), torch.full((1, 68, 2), 0.5))) == pytest.approx(
        0.2**2
    )


@pytest.mark.parametrize("loss", [wing, adaptive_wing])
def test_wing_losses_join_their_two_halves_without_a_step_or_a_kink(loss):
    def at(error: float) -> float:
        return float(loss(torch.full((1,), error, dtype=torch.float64), torch.zeros(1)))

    edge, step = 0.1, 1e-6
    assert at(edge + step) - at(edge - step) < 1e-3
    if loss is adaptive_wing:  # smooth by its design; wing has a kink there
        before = (at(edge - step) - at(edge - 2 * step)) / step
        after = (at(edge + 2 * step) - at(edge + step)) / step
        assert before == pytest.approx(after, rel=1e-3)


def test_wing_is_its_papers_formula():
    assert float(wing(torch.tensor([0.04]), torch.tensor([0.0]))) == pytest.approx(
        10 * 0.1 * math.log(1 + 0.04 / 0.02)
    )


def test_the_divergence_is_zero_for_the_gaussian_itself_and_at_most_log_two():
    points = torch.tensor([[[60.0, 70.0]]])
    itself = gaussians(points, 32, 32, 128)
    assert float(heatmap_divergence(itself, points, 128)) == pytest.approx(0, abs=1e-3)
    elsewhere = gaussians(points - 40, 32, 32, 128)
    assert float(heatmap_divergence(elsewhere, points, 128)) == pytest.approx(math.log(2), rel=0.02)


def test_schedules_warm_up_and_onecycle_and_linear_end_at_zero():
    progress = np.linspace(0, 1, 201)[:-1]
    for name, schedule in SCHEDULES.items():
        factors = np.array([schedule(p, 0.1) for p in progress])
        assert factors.max() == pytest.approx(1, abs=0.01) and factors[0] < 0.05
        assert (np.diff(factors[:20]) >= 0).all(), name
    for name in ("onecycle", "linear"):
        assert SCHEDULES[name](0.999, 0.1) < 0.002
    assert SCHEDULES["constant"](0.0, 0.0) == 1.0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_lowers_a_quadratic(name):
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = OPTIMIZERS[name]([weight], 0.05, 0.0)
    for _ in range(200):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert abs(weight.item()) < 0.3


def test_the_view_learns_from_faces_whose_truth_is_known_and_from_no_others():
    truth = torch.ones(2, 68), torch.full((2, 68), 4.0), torch.tensor([[30.0, 0, 0], [0, 0, 0]])
    told = View(torch.zeros(2, 68), torch.zeros(2, 68), torch.zeros(2, 3))
    both = view_loss(told, *truth)
    # Of a coin's cross-entropy ln 2; 4 of 10 pixels; 30 of 30 degrees in one of six angles.
    assert both == pytest.approx(np.log(2) + 0.4 + 1 / 6)
    photo = [values.clone() for values in truth]
    for values in photo:
        values[1] = torch.nan
    assert view_loss(told, *photo) == pytest.approx(np.log(2) + 0.4 + 1 / 3)
    for values in photo:
        values[0] = torch.nan
    assert view_loss(told, *photo) == 0


def test_what_the_view_learns_does_not_go_through_the_heatmaps():
    net = NETWORKS["nano"](64)
    view = net(torch.rand(1, 1, 64, 64) * 255).view
    (view.visible.sum() + view.pose.sum()).backward()
    assert net.head.weight.grad is None and net.view.local.grad.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_trains_on_this_processor(name):
    """A step of each, in the layout in which it trains: some layouts crash some processors."""
    size = 224 if name == "cnn5" else 96
    program = (
        "import torch; from fkd.training.networks import NETWORKS, memory_format as layout;"
        f"net = NETWORKS[{name!r}]({size}); net = net.to(memory_format=layout(net));"
        f"pixels = torch.rand(4, 1, {size}, {size}).contiguous(memory_format=layout(net));"
        "net(pixels).points.sum().backward()"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
