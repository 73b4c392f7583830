"""Training on a cluster: Ray Train starts the processes, and starts them anew when one dies."""

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from fkd.cluster.connection import ClusterError, check_nodes, connected
from fkd.datasets.store import LabelledFace
from fkd.io.files import write_whole
from fkd.training.loop.callbacks import SILENT, Callbacks, Diverged, Epoch, TrainResult
from fkd.training.loop.fit import fit, follow
from fkd.training.params import TrainParams

MOST_FAILURES = 3
SECONDS = 0.5  # between two looks at what the first process tells


class Home:
    """An actor on the machine that started the training: it keeps the state file there, and what
    the first of the processes tells, wherever that runs."""

    def __init__(self, state: str) -> None:
        self._state = Path(state)
        self._records: list[Epoch] = []
        self._batch: tuple[int, float, float] | None = None
        self._outcome: Any = None

    def state(self) -> bytes | None:
        """The state that a killed training left."""
        return self._state.read_bytes() if self._state.is_file() else None

    def on_batch(self, epoch: int, fraction: float, loss: float) -> None:
        """As of `Callbacks`."""
        self._batch = epoch, fraction, loss

    def on_epoch(self, record: Epoch, state: bytes) -> None:
        """As of `Callbacks`, with the state after the epoch."""
        write_whole(self._state, state)
        self._records.append(record)

    def on_end(self, outcome: Any) -> None:
        """What `fit` returned, or the arguments of the Diverged that it raised."""
        self._outcome = outcome

    def outcome(self) -> Any:
        """As told to `on_end`, None before."""
        return self._outcome

    def news(self) -> tuple[tuple[int, float, float] | None, list[Epoch]]:
        """The last batch, and the epochs since the last look."""
        batch, records = self._batch, self._records
        self._batch, self._records = None, []
        return batch, records


def fit_on_ray(
    train_faces: Sequence[LabelledFace],
    val_faces: Sequence[LabelledFace],
    params: TrainParams,
    state: Path,
    fingerprint: str,
    callbacks: Callbacks = SILENT,
) -> TrainResult:
    """`fit` by `params.world_size` processes of a cluster, with a GPU each where it has as many.

    The state and all that the callbacks do stay in this process's machine. When a process dies the
    training goes on from its last epoch, MOST_FAILURES times. Raises ClusterError besides.
    """
    ray = connected()
    cores = max(1, params.intra_op_threads, params.num_workers)
    check_room(ray, params.world_size, cores)
    check_nodes(ray, __name__)
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchTrainer
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    home = ray.remote(Home).options(num_cpus=0, scheduling_strategy=here)
    home = home.remote(str(state.resolve()))
    if params.init and Path(params.init).is_file():  # the processes have folders of their own
        params = params.model_copy(update={"init": str(Path(params.init).resolve())})
    task = ray.put((train_faces, val_faces, params, fingerprint))
    use_gpu = ray.cluster_resources().get("GPU", 0) >= params.world_size
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        trainer = TorchTrainer(
            work,
            train_loop_config={"home": home, "task": [task]},
            scaling_config=ScalingConfig(
                num_workers=params.world_size, use_gpu=use_gpu, resources_per_worker={"CPU": cores}
            ),
            run_config=RunConfig(
                storage_path=folder, failure_config=FailureConfig(max_failures=MOST_FAILURES)
            ),
        )
        running: Future[Any] = Future()
        relaying = pool.submit(relay, ray, home, callbacks, running)
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raise ClusterError(_why(error)) from None
        finally:
            running.set_result(None)
            relaying.result()
    outcome = ray.get(home.outcome.remote())
    if isinstance(outcome, TrainResult):
        return outcome
    raise Diverged(*outcome)


def check_room(ray: Any, processes: int, cores: int) -> None:
    """Raises ClusterError where Ray would wait, and say nothing, for nodes with room for processes
    of so many cores."""
    alive = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    room = sum(int(of // cores) for of in alive)
    if room < processes:
        raise ClusterError(
            f"train.world_size: the cluster has room for {room} of {processes} processes, which "
            f"need train.intra_op_threads or train.num_workers as cores each, now {cores}"
        )


def relay(ray: Any, home: Any, callbacks: Callbacks, running: "Future[Any]") -> None:
    """Pass on what the first process tells, until the training is over."""
    over = False
    while not over:
        over = running.done()
        batch, records = ray.get(home.news.remote())
        if batch:
            callbacks.on_batch(*batch)
        for record in records:
            callbacks.on_epoch(record)
        time.sleep(0 if over else SECONDS)


def work(config: dict[str, Any]) -> None:
    """What each process does."""
    import ray
    from ray import train

    if train.torch.get_device().type == "cuda":
        torch.cuda.set_device(train.torch.get_device())
    if train.get_context().get_world_rank():
        follow()
        return
    home, (task,) = config["home"], config["task"]
    train_faces, val_faces, params, fingerprint = ray.get(task)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.pt"
        if kept := ray.get(home.state.remote()):
            state.write_bytes(kept)
        callbacks = Callbacks(
            on_batch=lambda *batch: home.on_batch.remote(*batch),
            on_epoch=lambda record: ray.get(home.on_epoch.remote(record, state.read_bytes())),
        )
        try:
            outcome: Any = fit(train_faces, val_faces, params, state, fingerprint, callbacks)
        except Diverged as error:
            outcome = str(error), error.result
        ray.get(home.on_end.remote(outcome))


def _why(error: Exception) -> str:
    """The last line of the first process's error, which says what is wrong."""
    failures = getattr(error, "worker_failures", {})
    first = failures[min(failures)] if failures else error
    lines = [line for line in str(first).strip().split("\n") if line.strip()]
    return f"the training on the cluster failed {MOST_FAILURES + 1} times ({lines[-1].strip()})"
