"""The training loop on a few faces: it learns, repeats itself, resumes, and stops when it must."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from fkd.evaluation.scoring import validation_nme
from fkd.io.config import ConfigError
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training import losses
from fkd.training.backend import torch_model
from fkd.training.checkpoint import Checkpoint
from fkd.training.initial import initial_network
from fkd.training.loop import fit as loop
from fkd.training.loop.batches import oversampled
from fkd.training.loop.callbacks import BEFORE, Callbacks, Diverged
from fkd.training.loop.fit import fit
from fkd.training.params import TrainParams


@pytest.fixture(scope="module")
def short(params) -> TrainParams:
    """Three epochs of small crops, by the smallest of the networks that make heatmaps."""
    changes = {
        "network": "nano",
        "crop": params.train.crop.model_copy(update={"size": 64}),
        "epochs": 3,
        "batch_size": 4,
        "num_workers": 0,
        "intra_op_threads": 1,
        "ema_decay": 0.9,
        "lr": 0.003,
    }
    return params.train.model_copy(update=changes)


@pytest.fixture(scope="module")
def unbroken(faces, short, tmp_path_factory):
    state = tmp_path_factory.mktemp("fit") / "state.pt"
    return fit(faces[:14], faces[14:], short, state, "inputs")


def same_weights(one, other) -> bool:
    return all(torch.equal(one.weights[key], other.weights[key]) for key in one.weights)


def test_a_few_faces_are_learned(faces, short, tmp_path, params):
    plain = dict.fromkeys(type(params.train.augment).model_fields, 0.0)
    none = params.train.augment.model_copy(update=plain)
    often = {"epochs": 8, "min_faces_per_epoch": 40, "lr": 0.006}
    learning = short.model_copy(update={**often, "ema_decay": 0.0, "augment": none})
    history = fit(faces[:8], faces[:8], learning, tmp_path / "s.pt", "inputs").history
    assert history[-1].loss < 0.5 * history[0].loss
    assert history[-1].val_nme < 0.3 * history[0].val_nme


def test_the_best_weights_score_what_the_history_says(unbroken, faces, short):
    net = Checkpoint(short.network, short.crop.spec(), unbroken.weights, {}).build_network()
    again = validation_nme(faces[14:], torch_model(net), short.crop.spec())
    assert again == pytest.approx(unbroken.best.val_nme, rel=1e-5)
    assert unbroken.best.val_nme == min(epoch.val_nme for epoch in unbroken.history)


def test_the_same_seed_gives_the_same_weights(faces, short, unbroken, tmp_path):
    assert same_weights(fit(faces[:14], faces[14:], short, tmp_path / "s.pt", "inputs"), unbroken)


@pytest.mark.parametrize("network", ["pyramid", "cnn5"])
def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(faces, short, tmp_path, network):
    """cnn5 has dropout, so the random state has to come back too."""
    params = short.model_copy(update={"network": network, "ema_decay": 0.0})
    whole = fit(faces[:14], faces[14:], params, tmp_path / "whole.pt", "inputs")

    class Killed(Exception):
        pass

    def kill(epoch):
        if epoch.epoch == 1:
            raise Killed

    state = tmp_path / "state.pt"
    with pytest.raises(Killed):
        fit(faces[:14], faces[14:], params, state, "inputs", Callbacks(on_epoch=kill))
    seen = []
    torch.manual_seed(123)  # a new process has another random state
    resumed = fit(
        faces[:14],
        faces[14:],
        params,
        state,
        "inputs",
        Callbacks(on_epoch=lambda e: seen.append(e.epoch)),
    )
    assert seen == [2]
    assert same_weights(resumed, whole)
    assert [e.loss for e in resumed.history] == [e.loss for e in whole.history]


def test_a_state_of_another_fingerprint_is_not_used(faces, short, tmp_path):
    state = tmp_path / "state.pt"
    one = short.model_copy(update={"epochs": 1})
    fit(faces[:8], faces[14:], one, state, "these")
    seen = []
    fit(
        faces[:8],
        faces[14:],
        one,
        state,
        "others",
        Callbacks(on_epoch=lambda e: seen.append(e.epoch)),
    )
    assert seen == [0]


def test_a_loss_that_is_not_a_number_stops_with_the_last_good_weights(
    faces, short, tmp_path, monkeypatch
):
    calls = []

    def breaks_later(predicted, truth):
        calls.append(1)
        return (predicted - truth).abs().mean() * (float("nan") if len(calls) > 4 else 1.0)

    monkeypatch.setitem(losses.LOSSES, "wing", breaks_later)
    with pytest.raises(Diverged, match="the loss is nan in epoch 2") as stopped:
        fit(faces[:14], faces[14:], short, tmp_path / "s.pt", "inputs")
    assert stopped.value.result is not None
    assert all(torch.isfinite(w).all() for w in stopped.value.result.weights.values())


def test_patience_stops_when_the_score_no_longer_falls(faces, short, tmp_path, monkeypatch):
    scores = iter([9.0, 5.0, 6.0, 7.0, 8.0, 4.0])
    monkeypatch.setattr(loop, "validation_nme", lambda *_: next(scores))
    patient = short.model_copy(update={"epochs": 6, "patience": 2})
    result = fit(faces[:4], faces[14:], patient, tmp_path / "s.pt", "inputs")
    assert [e.val_nme for e in result.history] == [9.0, 5.0, 6.0, 7.0] and result.best.epoch == 1


def test_a_validation_score_that_is_not_a_number_stops(faces, short, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "validation_nme", lambda *_: float("inf"))
    with pytest.raises(Diverged, match="the validation score is inf in epoch 1"):
        fit(faces[:4], faces[14:], short, tmp_path / "s.pt", "inputs")


def test_bf16_trains_too(faces, short, tmp_path):
    half = short.model_copy(update={"precision": "bf16", "epochs": 4})
    history = fit(faces[:14], faces[14:], half, tmp_path / "s.pt", "inputs").history
    assert history[-1].loss < history[0].loss


def test_the_state_file_is_written_whole(faces, short, tmp_path):
    one = short.model_copy(update={"epochs": 1})
    fit(faces[:4], faces[14:], one, tmp_path / "deep" / "state.pt", "inputs")
    assert [p.name for p in Path(tmp_path / "deep").iterdir()] == ["state.pt"]


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "another shape", "another kind"])
def test_a_damaged_state_is_set_aside_and_the_training_begins_anew(
    faces, short, unbroken, tmp_path, caplog, damage
):
    state = tmp_path / "state.pt"
    fit(faces[:14], faces[14:], short.model_copy(update={"epochs": 1}), state, "inputs")
    whole = state.read_bytes()
    stored = torch.load(state, weights_only=True)
    match damage:
        case "cut":
            state.write_bytes(whole[: len(whole) // 2])
        case "noise":
            state.write_bytes(b"\x80" * 5000)
        case "empty":
            state.write_bytes(b"")
        case "another shape":  # the network is already loaded when this is found
            torch.save({**stored, "ema": {"n_averaged": torch.zeros(3)}}, state)
        case "another kind":
            torch.save([1, 2], state)
    damaged = state.read_bytes()
    again = fit(faces[:14], faces[14:], short, state, "inputs")
    assert same_weights(again, unbroken)
    assert state.with_suffix(".damaged").read_bytes() == damaged
    [said] = [record.getMessage() for record in caplog.records]
    assert f"{state} cannot be read" in said and "begins anew" in said


def test_a_disk_that_is_full_stops_with_the_state_before(faces, short, tmp_path, small_files):
    state = tmp_path / "state.pt"
    one = short.model_copy(update={"epochs": 1})
    fit(faces[:14], faces[14:], one, state, "inputs")
    before = state.read_bytes()
    with pytest.raises(OSError), small_files(100_000):
        fit(faces[:14], faces[14:], short, state, "inputs")
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    assert state.read_bytes() == before


@pytest.fixture(scope="module")
def from_nano(short) -> TrainParams:
    """Three epochs from the packaged `nano`."""
    crop = short.crop.model_copy(update={"size": 96})
    return short.model_copy(update={"init": "nano", "crop": crop, "lr": 0.0003})


def test_a_training_from_a_packaged_model_starts_where_that_model_stands(
    faces, from_nano, tmp_path
):
    nano, info = open_onnx(find_model("nano"))
    before = validation_nme(faces[14:], nano, info.crop)
    still = from_nano.model_copy(update={"epochs": 1, "lr": 1e-9, "ema_decay": 0.0})
    result = fit(faces[:14], faces[14:], still, tmp_path / "s.pt", "inputs")
    assert result.history[0].val_nme == pytest.approx(before, rel=1e-4)


def test_a_training_that_only_harms_returns_the_weights_it_started_from(faces, from_nano, tmp_path):
    nano, info = open_onnx(find_model("nano"))
    harmful = from_nano.model_copy(update={"lr": 0.3, "ema_decay": 0.0})
    result = fit(faces[:14], faces[14:], harmful, tmp_path / "s.pt", "inputs")
    assert min(epoch.val_nme for epoch in result.history) > result.best.val_nme
    assert result.best.epoch == BEFORE
    net = Checkpoint("nano", info.crop, result.weights, {}).build_network()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 96, 96)).astype(np.uint8)
    assert np.allclose(torch_model(net)(pixels).points, nano(pixels).points, atol=1e-3)


@pytest.mark.parametrize(("scores", "kept"), [([5, 3, 4, 4.5], 2), ([5, 4, 3, 5.1], 1)])
def test_a_fine_tuning_keeps_the_last_epoch_that_is_not_worse_than_its_start(
    faces, from_nano, tmp_path, monkeypatch, scores, kept
):
    told = iter(scores)
    monkeypatch.setattr(loop, "validation_nme", lambda *_: next(told))
    epochs = from_nano.model_copy(update={"epochs": 3})
    result = fit(faces[:14], faces[14:], epochs, tmp_path / "s.pt", "inputs")
    assert [epoch.val_nme for epoch in result.history] == scores[1:]
    assert result.best.epoch == kept


def test_a_fine_tuning_that_diverges_at_once_still_has_the_weights_it_started_from(
    faces, from_nano, tmp_path, monkeypatch
):
    monkeypatch.setitem(losses.LOSSES, "wing", lambda predicted, _: predicted.mean() * math.nan)
    with pytest.raises(Diverged, match="the loss is nan in epoch 1") as stopped:
        fit(faces[:14], faces[14:], from_nano, tmp_path / "s.pt", "inputs")
    assert stopped.value.result is not None and stopped.value.result.best.epoch == BEFORE


def test_fine_tuning_improves_on_its_start_with_batch_norms_frozen(faces, from_nano, tmp_path):
    longer = from_nano.model_copy(update={"epochs": 6, "min_faces_per_epoch": 40})
    result = fit(faces[:14], faces[:14], longer, tmp_path / "s.pt", "inputs")
    start = validation_nme(faces[:14], *open_onnx(find_model("nano"))[:1], longer.crop.spec())
    assert result.best.val_nme < 0.9 * start
    moments = {k: v for k, v in result.weights.items() if k.endswith("running_mean")}
    assert moments and all(not value.any() for value in moments.values())


def test_the_view_alone_learns_and_the_points_stay_as_they_were(faces, from_nano, tmp_path):
    only_view = from_nano.model_copy(
        update={"trainable": "view", "epochs": 6, "min_faces_per_epoch": 40}
    )
    start = initial_network(only_view).state_dict()
    result = fit(faces[:14], faces[14:], only_view, tmp_path / "s.pt", "inputs")
    changed = {key for key, value in result.weights.items() if not torch.equal(value, start[key])}
    assert changed == {key for key in start if key.startswith("view.")}
    assert result.history[-1].loss < result.history[0].loss


def test_a_network_without_a_view_has_none_to_train(from_nano):
    bare = from_nano.model_copy(update={"network": "cnn5", "init": "", "trainable": "view"})
    with pytest.raises(ConfigError, match=r"train\.trainable: cnn5 has no view; give all"):
        initial_network(bare)


def test_a_small_set_is_shown_again_and_again_until_an_epoch_is_long_enough(faces):
    assert len(oversampled(faces[:6], {}, at_least=20)) == 24
    assert len(oversampled(faces[:6], {"synthetic": 5}, at_least=20)) == 30
    assert len(oversampled(faces[:6], {})) == 6


def test_few_faces_are_shown_20_times_an_epoch_and_not_more_often(faces):
    assert len(oversampled(faces[:6], {}, at_least=1000)) == 120
    assert len(oversampled(faces[:6] * 10, {}, at_least=1000)) == 1020


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init": "base"}, "train.init: base needs train.network=pyramid"),
        ({"init": "nobody"}, "train.init: nobody: no such model"),
    ],
)
def test_a_start_that_does_not_fit_is_named(from_nano, change, message):
    with pytest.raises(ConfigError, match=message):
        initial_network(from_nano.model_copy(update=change))


def test_a_start_of_another_crop_is_named(from_nano):
    crop = from_nano.crop.model_copy(update={"size": 128})
    with pytest.raises(ConfigError, match=r"needs train\.crop\.size=96"):
        initial_network(from_nano.model_copy(update={"crop": crop}))
