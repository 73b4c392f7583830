"""Parts of a table made by a cluster, each by one actor, which reads the photos itself."""

import logging
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fkd.cluster.connection import ClusterError, check_nodes, connected
from fkd.inference.parquet.job import Job
from fkd.inference.parquet.parts import open_predictor, write_part
from fkd.inference.parquet.rows import Counts, add
from fkd.inference.parquet.table import counts_in
from fkd.inference.predictor import Predictor
from fkd.io.files import sentence
from fkd.io.images import is_address
from fkd.models.metadata import ModelError
from fkd.models.zoo import PACKAGED, find_model

FALSE_STARTS = 20
FAILURE = "failure"  # why a part could not be made, else ""


class NodeError(ValueError):
    """A node lacks what it needs; the message is one sentence without the node's name."""


def infer_on_ray(job: Job, numbers: Sequence[int], actors: int | None = None) -> Iterator[Counts]:
    """Make parts on the cluster that this process is connected to, else on this machine; yields the
    counts of each part.

    Only numbers of parts and counts travel. What a node that dies was making is made again by
    another. actors: how many at most, a core each; by default as many as there are cores, also
    those that come later. Raises ClusterError.
    """
    ray = connected()
    check_nodes(ray, __name__)
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    _set_up(ray.data.DataContext.get_current())
    pool = ray.data.ActorPoolStrategy(
        min_size=min(actors or cores, cores, len(numbers)),
        max_size=actors,
        # A part takes long: one that waits for a busy actor would be missing to an idle one.
        max_tasks_in_flight_per_actor=1,
    )
    made = ray.data.from_items(
        [{"part": number} for number in numbers], override_num_blocks=len(numbers)
    ).map_batches(
        PartMaker,
        fn_constructor_args=(job, _own_model(job)),
        batch_size=1,
        compute=pool,
        num_cpus=1,
    )
    try:
        for row in made.iter_rows():
            if failure := row.pop(FAILURE):
                raise ClusterError(failure)
            yield Counts(**row)
    except ray.exceptions.RayError as error:
        raise ClusterError(_why(error)) from None


class PartMaker:
    """An actor: makes one part a call, with a predictor that it keeps."""

    def __init__(self, job: Job, model: bytes | None) -> None:
        """model: the model's file, where nodes need not have it."""
        self.job, self.model = job, model
        self.predictor: Predictor | None = None

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[Any]]:
        """Makes the parts of a batch, or finds them made; returns their counts, and why a part
        cannot be made here: of what is raised, Ray Data does not tell the reason."""
        rows = [self._row(int(number)) for number in batch["part"]]
        return {name: [row[name] for row in rows] for name in (*Counts._fields, FAILURE)}

    def _row(self, number: int) -> dict[str, Any]:
        try:
            return {**self._made(number)._asdict(), FAILURE: ""}
        except (NodeError, ModelError, ImportError) as error:
            why = str(error)
        except OSError as error:
            why = sentence(error)
        return {**Counts()._asdict(), FAILURE: f"node {socket.gethostname()}: {why}"}

    def _made(self, number: int) -> Counts:
        if there := counts_in(self.job.part(number)):
            return there  # by an actor whose node died before it could say so
        self._check_sees(number)
        # Not before, as Ray would start an actor again and again that cannot begin.
        self.predictor = self.predictor or self._open()
        total = Counts()
        for counts in write_part(self.predictor, self.job, number):
            total = add(total, counts)
        return total

    def _open(self) -> Predictor:
        if self.model is None:
            return open_predictor(self.job.options)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(self.job.options.model).name
            file.write_bytes(self.model)
            return open_predictor(self.job.options, file)

    def _check_sees(self, number: int) -> None:
        """Raises NodeError where this node lacks a folder that the driver has: each of its photos
        would be a row with an error, or the part would lie where nobody looks for it."""
        try:
            photos = self.job.planned(number)
        except OSError as error:
            raise NodeError(f"{sentence(error)}; all nodes need the output") from None
        seen = (os.path.dirname(uri) for uri, size in photos if size and not is_address(uri))
        folder = next(seen, None)
        if folder and not os.path.isdir(folder):
            raise NodeError(f"has no folder {folder}; all nodes need the photos")


def _own_model(job: Job) -> bytes | None:
    """The file of a model that is not packaged."""
    model = job.options.model
    return None if model in PACKAGED else find_model(model).read_bytes()


def _set_up(context: Any) -> None:
    """Ray Data without words of its own, and with a pool that may grow and lose actors."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # An actor that is started for a core that comes later; with one task each, a full pool is at 1.
    context.autoscaling_config.actor_pool_util_upscaling_threshold = 1.0
    # Ray 2.60 counts actors that it takes back before they began among those that cannot begin.
    context.max_consecutive_actor_init_deaths = FALSE_STARTS


def _why(error: BaseException) -> str:
    """What happened, in one sentence: the last cause has the words of whoever raised first."""
    while cause := getattr(error, "cause", None) or error.__cause__:
        error = cause
    return str(error).strip().split("\n")[0] or "the actors of the cluster died"
