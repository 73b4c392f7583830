"""Processes that train together: what each of them sees, and that the sum of it is one training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PROJECT

from fkd.datasets.saving import save_faces
from fkd.io.config import ConfigError
from fkd.training.loop.batches import batch_places, training_batches
from fkd.training.loop.world import World
from fkd.training.params import TrainParams
from pipelines.train import check_engine

SCRIPT = PROJECT / "tests" / "train_together.py"


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_shares_of_a_batch_are_its_faces_whatever_the_number_of_processes(params, faces, size):
    train = params.train.model_copy(update={"batch_size": 6, "num_workers": 0})
    shown = np.arange(len(faces))
    alone = list(training_batches(faces, shown, train, 1))
    shares = [list(training_batches(faces, shown, train, 1, World(r, size))) for r in range(size)]
    assert len(alone) == 3 and {len(share) for share in shares} == {3}
    for step, batch in enumerate(alone):
        together = np.concatenate([share[step].pixels for share in shares])
        assert len(together) == 6
        keys = [{pixels.tobytes() for pixels in of} for of in (batch.pixels.numpy(), together)]
        assert keys[0] == keys[1] and len(keys[0]) == 6


def test_an_epochs_batches_show_each_place_once_and_depend_on_seed_and_epoch_alone(params):
    train = params.train.model_copy(update={"batch_size": 32})
    first, again, later = (batch_places(1000, train, epoch) for epoch in (0, 0, 1))
    assert first == again != later
    assert [len(batch) for batch in first] == [32] * 31
    assert len({place for batch in first for place in batch}) == 31 * 32
    assert [sorted(batch) for batch in batch_places(5, train, 0)] == [[0, 1, 2, 3, 4]]


def test_one_engine_starts_the_processes(params):
    two = params.train.model_copy(update={"world_size": 2})
    check_engine(params.train, 1)
    check_engine(params.train, 2)
    check_engine(two.model_copy(update={"engine": "ray"}), 1)
    with pytest.raises(ConfigError, match=r"train\.world_size: 2 processes .* torchrun"):
        check_engine(two, 1)
    with pytest.raises(ConfigError, match=r"train\.engine: ray starts processes itself"):
        check_engine(two.model_copy(update={"engine": "ray"}), 2)


@pytest.fixture(scope="module")
def tuned(params) -> TrainParams:
    """A fine-tuning, whose frozen batch norms do not see how a batch is shared."""
    changes = {
        "network": "nano",
        "crop": params.train.crop.model_copy(update={"size": 96}),
        **{"init": "nano", "optimizer": "sgd", "lr": 0.001, "intra_op_threads": 1},
        **{"epochs": 3, "batch_size": 5, "num_workers": 0},
    }
    return params.train.model_copy(update=changes)


def trained(folder: Path, name: str, processes: int, *dies: str) -> dict:
    """What a training by so many processes of torchrun comes to, in a folder with its inputs."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--max-restarts=1"]
    command += [f"--nproc-per-node={processes}", str(SCRIPT), str(folder / "store")]
    command += [str(folder / "params.json"), str(folder / name), *dies]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return torch.load(folder / name, weights_only=True)


@pytest.fixture(scope="module")
def inputs(faces, tuned, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    save_faces(faces, folder / "store", faces_per_shard=6)
    (folder / "params.json").write_text(json.dumps(tuned.model_dump()))
    return folder


@pytest.fixture(scope="module")
def by_two(inputs) -> dict:
    return trained(inputs, "two.pt", 2)


@pytest.mark.slow
def test_two_processes_of_torchrun_come_to_the_weights_of_one(inputs, by_two):
    """Batches of five faces are shared as three and two; only rounding differs."""
    one = trained(inputs, "one.pt", 1)
    np.testing.assert_allclose(by_two["history"], one["history"], rtol=1e-3)
    for key, value in one["weights"].items():
        np.testing.assert_allclose(by_two["weights"][key], value, atol=2e-5, rtol=1e-3)


@pytest.mark.slow
def test_a_training_of_which_a_process_is_killed_goes_on_from_its_last_epoch(inputs, by_two):
    killed = trained(inputs, "killed.pt", 2, "1")
    assert (inputs / "killed.died").exists()
    assert killed["history"] == by_two["history"]
    assert all(
        torch.equal(killed["weights"][key], by_two["weights"][key]) for key in killed["weights"]
    )
