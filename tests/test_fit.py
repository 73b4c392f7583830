"""The training loop on a few faces: it learns, repeats itself, resumes, and stops when it must."""

from pathlib import Path

import pytest
import torch

from fkd.evaluation.scoring import validation_nme
from fkd.training import losses
from fkd.training.backend import torch_model
from fkd.training.checkpoint import Checkpoint
from fkd.training.loop import fit as loop
from fkd.training.loop.callbacks import Callbacks, Diverged
from fkd.training.loop.fit import fit
from fkd.training.params import TrainParams


@pytest.fixture(scope="module")
def short(params) -> TrainParams:
    """Three epochs of small crops."""
    changes = {
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
    learning = short.model_copy(update={"epochs": 40, "ema_decay": 0.0, "augment": none})
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
    half = short.model_copy(update={"precision": "bf16", "epochs": 2})
    history = fit(faces[:14], faces[14:], half, tmp_path / "s.pt", "inputs").history
    assert history[-1].loss < history[0].loss


def test_the_state_file_is_written_whole(faces, short, tmp_path):
    one = short.model_copy(update={"epochs": 1})
    fit(faces[:4], faces[14:], one, tmp_path / "deep" / "state.pt", "inputs")
    assert [p.name for p in Path(tmp_path / "deep").iterdir()] == ["state.pt"]
