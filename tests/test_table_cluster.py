"""Tables made by several nodes, of which one dies, on stores and across networks: `make
test-cluster`. FKD_TEST_PHOTOS says of how many photos."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT
from machines import TOKEN, environment, lose, ray_nodes, s3_store, two_machines

from fkd.cluster import connection
from fkd.cluster.connection import ClusterError, connected
from fkd.cluster.infer import PartMaker

pytest.importorskip("pyarrow", reason="tables need the extra `parquet`")

import pyarrow as pa
import pyarrow.parquet as pq

from fkd.inference.parquet.job import Options, open_job

PHOTOS = int(os.environ.get("FKD_TEST_PHOTOS", "300"))
PARTS = 30
SECONDS = 900  # for a command


def command(*arguments: object, before: tuple[str, ...] = ()) -> list[str]:
    return [*before, sys.executable, "-m", "fkd", "infer", *map(str, arguments)]


def run(*arguments: object, before: tuple[str, ...] = (), **more: str):
    return subprocess.run(
        command(*arguments, "--model", "nano", before=before),
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def rows_of(place: Path) -> pa.Table:
    return pq.read_table(place)


def parts_in(place: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in place.glob("part-*.parquet")}


def wait_for_parts(place: Path, count: int, driver: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while len(parts_in(place)) < count:
        assert driver.poll() is None and time.monotonic() < deadline, driver.communicate()
        time.sleep(0.05)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """Photos that all differ: a face at many sizes and places, a few without one, one broken."""
    folder = tmp_path_factory.mktemp("photos")
    face = cv2.imread(str(ASTRONAUT))
    for number in range(PHOTOS - 1):
        side = 160 + number % 140
        photo = np.full((side + 20, side + 60, 3), number % 256, np.uint8)
        if number % 10:
            left = number % 61
            photo[10 : side + 10, left : left + side] = cv2.resize(face, (side, side))
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), photo)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="session")
def part_mb(photos) -> float:
    return sum(path.stat().st_size for path in photos.iterdir()) / PARTS / 1e6


@pytest.fixture(scope="session")
def unbroken(photos, part_mb, tmp_path_factory) -> pa.Table:
    """What one machine makes, without Ray."""
    place = tmp_path_factory.mktemp("unbroken") / "t.parquet"
    ran = run(photos, "--parquet", place, "--part-mb", part_mb, "--threads", 1)
    assert ran.returncode == 1, ran.stderr  # the broken one
    table = rows_of(place)
    assert len(set(table["uri"].to_pylist())) == PHOTOS
    return table


@pytest.fixture
def cluster() -> Iterator:
    """Two nodes of one core beside one without, on which the driver is."""
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes.ones = [nodes.add_node(num_cpus=1) for _ in range(2)]
    yield nodes
    nodes.shutdown()


@pytest.mark.slow
def test_a_node_that_dies_costs_nothing_but_time(cluster, photos, part_mb, unbroken, tmp_path):
    place = tmp_path / "t.parquet"
    arguments = (photos, "--parquet", place, "--part-mb", part_mb, "--model", "nano")
    driver = subprocess.Popen(
        command(*arguments, "--engine", "ray", "--address", cluster.address),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_parts(place, PARTS // 5, driver)
    cluster.remove_node(cluster.ones[0], allow_graceful=False)
    out, err = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 1 and f"{PHOTOS:,} photos" in out, err
    assert rows_of(place).equals(unbroken)
    assert not list(place.glob(".part-*"))


@pytest.mark.slow
def test_a_driver_that_is_killed_goes_on(cluster, photos, part_mb, unbroken, tmp_path):
    place = tmp_path / "t.parquet"
    ray = ("--engine", "ray", "--address", cluster.address)
    arguments = (photos, "--parquet", place, "--part-mb", part_mb)
    driver = subprocess.Popen(
        command(*arguments, "--model", "nano", *ray),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_parts(place, PARTS // 5, driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = parts_in(place)
    assert len(done) < PARTS - 2
    ran = run(*arguments, *ray)
    assert ran.returncode == 1 and "goes on" in ran.stderr, ran.stderr
    assert {name: at for name, at in parts_in(place).items() if name in done} == done
    assert rows_of(place).equals(unbroken)


@pytest.mark.slow
def test_a_model_of_one_s_own_reaches_nodes_that_do_not_have_it(cluster, photos, tmp_path):
    from fkd.models.zoo import PACKAGED

    model = tmp_path / "mine.onnx"
    shutil.copy(PACKAGED["nano"], model)
    few = tmp_path / "few"
    few.mkdir()
    shutil.copy(photos / "000001.jpg", few)
    ran = subprocess.run(
        command(few, "--parquet", tmp_path / "t", "--model", model, "--engine", "ray",
                "--address", cluster.address),
        env=environment(), capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert rows_of(tmp_path / "t")["model"].to_pylist() == [str(model)]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "127.0.0.1:1: no Ray cluster answers there (connection refused)"),
        ("nowhere", "nowhere: is neither auto nor HOST:PORT"),
        ("host.invalid:6379", "host.invalid:6379: no Ray cluster answers there"),
    ],
)
def test_an_address_without_a_cluster_is_one_sentence(address, said):
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    with pytest.raises(ClusterError, match=re.escape(said)):
        connected(address)


def test_a_server_that_is_no_cluster_is_one_sentence(monkeypatch):
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"{address}: no Ray cluster answers there"):
            connected(address)


@pytest.mark.slow
def test_why_a_part_cannot_be_made_is_said_by_the_command(cluster, photos, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    shutil.copy(photos / "000001.jpg", few)
    open_job([str(few)], str(tmp_path / "t"), Options("nano"))
    in_the_way = tmp_path / "t" / "part-0000000.parquet"
    in_the_way.mkdir()
    ran = run(few, "--parquet", tmp_path / "t", "--engine", "ray", "--address", cluster.address)
    assert ran.stderr == f"fkd: node {socket.gethostname()}: {in_the_way}: is a directory\n"
    assert ran.returncode == 1


@pytest.mark.slow
def test_auto_without_a_cluster_is_one_sentence(photos, tmp_path):
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    # Where Ray notes the clusters of this machine, there is none.
    ray = ("--engine", "ray", "--address", "auto")
    ran = run(photos, "--parquet", tmp_path / "t", *ray, RAY_TMPDIR=str(tmp_path))
    assert ran.returncode == 2, ran.stderr
    # A machine in a namespace of this one would be taken for it, and does not answer.
    said = (
        r"fkd: --engine ray: auto: (this machine is part of no Ray cluster|no Ray cluster answers)"
    )
    assert re.match(said, ran.stderr)
    assert ran.stderr.count("\n") == 1 and not (tmp_path / "t").exists()


def test_a_node_that_lacks_the_photos_or_the_output_says_so(tmp_path):
    shutil.copytree(ASTRONAUT.parent, tmp_path / "p", ignore=shutil.ignore_patterns("*.md", "c*"))
    job = open_job([str(tmp_path / "p")], str(tmp_path / "t"), Options("nano"))
    maker = PartMaker(job, None)
    shutil.move(tmp_path / "p", tmp_path / "elsewhere")
    (said,) = maker({"part": np.array([0])})["failure"]
    assert re.match(f"node {socket.gethostname()}: has no folder .*/p; all nodes need", said)
    shutil.rmtree(tmp_path / "t")
    (said,) = maker({"part": np.array([0])})["failure"]
    assert said.endswith("no such file or directory; all nodes need the output")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[dict[str, str]]:
    with s3_store(tmp_path_factory.mktemp("weed")) as there:
        yield there


def copied(here: str, there: str, store: dict[str, str]) -> None:
    """Copy a folder to or from the store."""
    code = f"from pyarrow import fs; fs.copy_files({here!r}, {there!r})"
    subprocess.run([sys.executable, "-c", code], env=environment(**store), check=True)


@pytest.mark.slow
def test_photos_and_table_in_a_store(store, photos, part_mb, unbroken, tmp_path):
    copied(str(photos), "s3://photos/all", store)
    arguments = ("s3://photos/all/", "--part-mb", part_mb)
    for engine in ("local", "ray"):
        if engine == "ray":
            pytest.importorskip("ray", reason="needs the extra `cluster`")
        place = f"s3://photos/{engine}.parquet"
        for _ in range(2):  # the second time all is there
            ran = run(*arguments, "--parquet", place, "--engine", engine, **store)
            assert ran.returncode == 1 and f"{PHOTOS:,} photos" in ran.stdout, ran.stderr
        assert re.search(r"parts that are there: (\d+) of \1$", ran.stderr)
        copied(place, str(tmp_path / engine), store)
        table = rows_of(tmp_path / engine)
        assert {uri.rpartition("/")[0] for uri in table["uri"].to_pylist()} == {"s3://photos/all"}
        assert table.drop(["uri"]).equals(unbroken.drop(["uri"]))


@pytest.mark.slow
def test_what_a_store_does_not_allow_is_one_sentence(store, photos, tmp_path):
    stranger = {**store, "AWS_ACCESS_KEY_ID": "stranger"}
    ran = run("s3://photos/all/", "--parquet", tmp_path / "t", **stranger)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1, ran.stderr
    assert ran.stderr.startswith("fkd: s3://photos/all/: ")
    ran = run(photos, "--parquet", "s3://photos/t", **stranger)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1, ran.stderr
    assert ran.stderr.startswith("fkd: s3://photos/t")
    assert not (tmp_path / "t").exists()


@pytest.mark.slow
def test_nodes_with_addresses_of_their_own(photos, part_mb, unbroken, tmp_path):
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    place = tmp_path / "t.parquet"
    with two_machines() as (first, second), ray_nodes((first, second), tmp_path) as address:
        arguments = ("--part-mb", part_mb, "--engine", "ray", "--address", address)
        driver = subprocess.Popen(
            command(photos, "--parquet", place, "--model", "nano", *arguments, before=first.inside),
            env=environment(**TOKEN),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_parts(place, PARTS // 3, driver)
        lose(second)
        out, err = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 1 and f"{PHOTOS:,} photos" in out, err
    assert rows_of(place).equals(unbroken)
