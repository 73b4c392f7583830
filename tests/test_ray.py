"""Preparing and training on a Ray cluster of two nodes, all on this machine."""

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from fkd.cluster import connection
from fkd.cluster.connection import ClusterError
from fkd.cluster.preparing import prepare_on_ray
from fkd.datasets.prepare_shards import Destination, prepare_shards
from fkd.datasets.readers.synthetic import _rendered
from fkd.datasets.sample import Sample
from fkd.datasets.saving import save_faces, save_table
from fkd.datasets.store import Faces, load_faces
from fkd.training.loop.callbacks import Callbacks
from fkd.training.loop.fit import fit
from fkd.training.on_ray import fit_on_ray


def test_a_node_that_lacks_a_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    monkeypatch.delitem(__import__("sys").modules, "fkd.io.images", raising=False)
    assert connection._lacking("fkd.io.images").endswith(": cv2 is not installed")
    assert connection._lacking("fkd.landmarks") == ""


def test_without_ray_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ClusterError, match=r"Ray is not installed; pip install .*\[cluster\]"):
        connection.connected()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_an_address_where_nothing_listens_is_one_sentence(address):
    pytest.importorskip("ray", reason="needs the extra cluster")
    with pytest.raises(ClusterError, match=rf"^{address}: no Ray cluster answers there \(.+\)$"):
        connection.connected(address)


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """Two nodes of one core beside one without, on which the driver is."""
    ray = pytest.importorskip("ray", reason="needs the extra cluster")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        nodes.add_node(num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def stored(faces, tmp_path_factory) -> Faces:
    folder = tmp_path_factory.mktemp("stored")
    save_faces(faces, folder, faces_per_shard=6)
    return load_faces(folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def two_workers(params) -> object:
    changes = {"network": "nano", "crop": params.train.crop.model_copy(update={"size": 64})}
    changes |= {"epochs": 4, "batch_size": 4, "num_workers": 0, "intra_op_threads": 1}
    return params.train.model_copy(update={**changes, "engine": "ray", "world_size": 2})


@pytest.mark.slow
def test_a_training_of_which_a_worker_is_killed_ends_as_an_unbroken_one(
    cluster, stored, params, tmp_path
):
    both = two_workers(params)
    whole = fit_on_ray(stored[:14], stored[14:], both, tmp_path / "whole.pt", "inputs")
    killed: list[int] = []

    def kill(record) -> None:
        if record.epoch == 1 and not killed:
            workers = [
                process.pid
                for process in psutil.Process().children(recursive=True)
                if process.name().startswith("ray::RayTrain")
            ]
            killed.append(max(workers))
            os.kill(killed[0], signal.SIGKILL)

    told: list[int] = []
    callbacks = Callbacks(on_epoch=lambda record: (told.append(record.epoch), kill(record)))
    broken = fit_on_ray(stored[:14], stored[14:], both, tmp_path / "b.pt", "inputs", callbacks)
    assert killed and told == [0, 1, 2, 3]
    assert [e.loss for e in broken.history] == [e.loss for e in whole.history]
    assert [e.val_nme for e in broken.history] == [e.val_nme for e in whole.history]
    assert all(torch.equal(broken.weights[key], whole.weights[key]) for key in whole.weights)
    assert json.dumps([e.epoch for e in whole.history]) == "[0, 1, 2, 3]"


@pytest.mark.slow
def test_more_processes_than_the_nodes_have_room_for_are_refused(cluster, stored, params, tmp_path):
    for changes, room in (({"world_size": 3}, "2 of 3"), ({"intra_op_threads": 2}, "0 of 2")):
        train = two_workers(params).model_copy(update=changes)
        with pytest.raises(ClusterError, match=f"train.world_size: .* room for {room} processes"):
            fit_on_ray(stored[:14], stored[14:], train, tmp_path / "s.pt", "inputs")


@pytest.mark.slow
def test_one_worker_of_a_cluster_comes_to_the_bits_of_this_process(
    cluster, stored, params, tmp_path
):
    alone = two_workers(params).model_copy(update={"world_size": 1, "epochs": 2})
    there = fit_on_ray(stored[:14], stored[14:], alone, tmp_path / "a.pt", "inputs")
    here = fit(stored[:14], stored[14:], alone, tmp_path / "b.pt", "inputs")
    assert all(torch.equal(there.weights[key], here.weights[key]) for key in here.weights)


@pytest.mark.slow
def test_the_shards_of_a_cluster_are_those_of_one_machine_though_a_node_dies(
    cluster, recipe, params, tmp_path
):
    samples = [
        Sample(f"{i:03d}", "synthetic", f"{i:03d}", False, partial(_rendered, recipe, i), True)
        for i in range(24)
    ]
    prepare = params.prepare.model_copy(update={"faces_per_shard": 3, "num_workers": 1})
    doomed = cluster.add_node(num_cpus=1)

    def lose_a_node(done: int) -> None:
        if done == 6:
            cluster.remove_node(doomed, allow_graceful=False)

    for name, engine, told in (
        ("here", prepare_shards, lambda done: None),
        ("there", prepare_on_ray, lose_a_node),
    ):
        to = Destination(tmp_path / name, "", whole_photo=False)
        pieces = (shard.saved for shard in engine(samples, prepare, to, told))
        assert save_table(pieces, to.folder) == 24
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")
    assert len(bytes_of(tmp_path / "here")) == 9
