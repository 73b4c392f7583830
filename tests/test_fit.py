"""The training loop on a few faces: it learns, repeats itself, resumes, and stops when it must."""

import dataclasses
from pathlib import Path

import pytest
import torch

from fkd.evaluate import validation_nme
from fkd.params import ParamsError, Train
from fkd.preprocess import CropSpec
from fkd.training import fit as fitting
from fkd.training.answers import torch_network
from fkd.training.checkpoint import Checkpoint
from fkd.training.fit import Diverged, Watcher, fit


@pytest.fixture(scope="module")
def short(params) -> Train:
    """Three epochs of small crops."""
    return dataclasses.replace(
        params.train,
        crop=CropSpec(size=64),
        epochs=3,
        batch_size=4,
        workers=0,
        threads=1,
        average=0.9,
        lr=0.003,
    )


@pytest.fixture(scope="module")
def unbroken(faces, short, tmp_path_factory):
    state = tmp_path_factory.mktemp("fit") / "state.pt"
    return fit(faces[:14], faces[14:], short, state, "inputs")


def same_weights(one, other) -> bool:
    return all(torch.equal(one.weights[key], other.weights[key]) for key in one.weights)


def test_a_few_faces_are_learned(faces, short, tmp_path, params):
    plain = {f.name: 0.0 for f in dataclasses.fields(params.train.augment)}
    learning = dataclasses.replace(
        short,
        epochs=40,
        average=0.0,
        augment=dataclasses.replace(params.train.augment, **plain),
    )
    history = fit(faces[:8], faces[:8], learning, tmp_path / "s.pt", "inputs").history
    assert history[-1].loss < 0.5 * history[0].loss
    assert history[-1].val_nme < 0.3 * history[0].val_nme


def test_the_best_weights_score_what_the_history_says(unbroken, faces, short):
    net = Checkpoint(short.model, short.crop, unbroken.weights, {}).network()
    again = validation_nme(faces[14:], torch_network(net), short.crop)
    assert again == pytest.approx(unbroken.best.val_nme, rel=1e-5)
    assert unbroken.best.val_nme == min(epoch.val_nme for epoch in unbroken.history)


def test_the_same_seed_gives_the_same_weights(faces, short, unbroken, tmp_path):
    assert same_weights(fit(faces[:14], faces[14:], short, tmp_path / "s.pt", "inputs"), unbroken)


@pytest.mark.parametrize("model", ["pyramid", "cnn5"])
def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(faces, short, tmp_path, model):
    """cnn5 has dropout, so the random state has to come back too."""
    params = dataclasses.replace(short, model=model, average=0.0)
    whole = fit(faces[:14], faces[14:], params, tmp_path / "whole.pt", "inputs")

    class Killed(Exception):
        pass

    def kill(epoch):
        if epoch.epoch == 1:
            raise Killed

    state = tmp_path / "state.pt"
    with pytest.raises(Killed):
        fit(faces[:14], faces[14:], params, state, "inputs", Watcher(on_epoch=kill))
    seen = []
    torch.manual_seed(123)  # a new process has another random state
    resumed = fit(
        faces[:14],
        faces[14:],
        params,
        state,
        "inputs",
        Watcher(on_epoch=lambda e: seen.append(e.epoch)),
    )
    assert seen == [2]
    assert same_weights(resumed, whole)
    assert [e.loss for e in resumed.history] == [e.loss for e in whole.history]


def test_a_state_of_other_inputs_is_not_used(faces, short, tmp_path):
    state = tmp_path / "state.pt"
    one = dataclasses.replace(short, epochs=1)
    fit(faces[:8], faces[14:], one, state, "these")
    seen = []
    fit(
        faces[:8],
        faces[14:],
        one,
        state,
        "others",
        Watcher(on_epoch=lambda e: seen.append(e.epoch)),
    )
    assert seen == [0]


def test_a_loss_that_is_not_a_number_stops_with_the_last_good_weights(
    faces, short, tmp_path, monkeypatch
):
    calls = []

    def breaks_later(predicted, truth):
        calls.append(1)
        return (predicted - truth).abs().mean() * (float("nan") if len(calls) > 4 else 1.0)

    monkeypatch.setitem(fitting.LOSSES, "wing", breaks_later)
    with pytest.raises(Diverged, match="the loss is nan in epoch 2") as stopped:
        fit(faces[:14], faces[14:], short, tmp_path / "s.pt", "inputs")
    assert stopped.value.fitted is not None
    assert all(torch.isfinite(w).all() for w in stopped.value.fitted.weights.values())


def test_patience_stops_when_the_score_no_longer_falls(faces, short, tmp_path, monkeypatch):
    scores = iter([9.0, 5.0, 6.0, 7.0, 8.0, 4.0])
    monkeypatch.setattr(fitting, "validation_nme", lambda *_: next(scores))
    patient = dataclasses.replace(short, epochs=6, patience=2)
    fitted = fit(faces[:4], faces[14:], patient, tmp_path / "s.pt", "inputs")
    assert [e.val_nme for e in fitted.history] == [9.0, 5.0, 6.0, 7.0] and fitted.best.epoch == 1


@pytest.mark.parametrize("key", ["model", "loss", "optimizer", "schedule", "precision"])
def test_an_unknown_choice_is_named_with_what_is_allowed(faces, short, tmp_path, key):
    wrong = dataclasses.replace(short, **{key: "magic"})
    with pytest.raises(ParamsError, match=rf"train.{key}: 'magic' is not one of \w+"):
        fit(faces, faces, wrong, tmp_path / "s.pt", "")


@pytest.mark.parametrize(
    ("key", "value"),
    [("lr", 0.0), ("epochs", 0), ("warmup", 1.0), ("workers", -1), ("crop", CropSpec(size=120))],
)
def test_a_senseless_number_is_named(faces, short, tmp_path, key, value):
    with pytest.raises(ParamsError, match=f"train.{key}"):
        fit(faces, faces, dataclasses.replace(short, **{key: value}), tmp_path / "s.pt", "")


def test_a_validation_score_that_is_not_a_number_stops(faces, short, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "validation_nme", lambda *_: float("inf"))
    with pytest.raises(Diverged, match="the validation score is inf in epoch 1"):
        fit(faces[:4], faces[14:], short, tmp_path / "s.pt", "inputs")


def test_bf16_trains_too(faces, short, tmp_path):
    half = dataclasses.replace(short, precision="bf16", epochs=2)
    history = fit(faces[:14], faces[14:], half, tmp_path / "s.pt", "inputs").history
    assert history[-1].loss < history[0].loss


def test_the_state_file_is_written_whole(faces, short, tmp_path):
    one = dataclasses.replace(short, epochs=1)
    fit(faces[:4], faces[14:], one, tmp_path / "deep" / "state.pt", "inputs")
    assert [p.name for p in Path(tmp_path / "deep").iterdir()] == ["state.pt"]
