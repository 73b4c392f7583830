"""What a training takes of its machine, as MLflow measures it, sent as all else of a run is."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SECONDS = 10.0
# MLflow shows what begins with this on a page of its own.
PREFIX = "system/"


@contextmanager
def system_metrics(tell: Callable[[Mapping[str, float], int], None]) -> Iterator[None]:
    """While the block runs, tell every ten seconds what processor, memory, disk, network and CUDA
    device do. MLflow's own monitor would stop at the first call that the store does not take."""
    ended = threading.Event()
    thread = threading.Thread(target=_sample, args=(tell, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _sample(tell: Callable[[Mapping[str, float], int], None], ended: threading.Event) -> None:
    monitors, step = _monitors(), 0
    for monitor in monitors:  # what they measure is since the time before, and there was none
        monitor.collect_metrics()
        monitor.clear_metrics()
    while not ended.wait(SECONDS):
        for monitor in monitors:
            monitor.collect_metrics()
        told = {
            f"{PREFIX}{name}": value
            for monitor in monitors
            for name, value in monitor.aggregate_metrics().items()
        }
        for monitor in monitors:
            monitor.clear_metrics()
        tell(told, step)
        step += 1


def _monitors() -> list[Any]:
    """One for each kind of resource; the one for CUDA only where its library and a device are."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    found = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    try:
        return [*found, GPUMonitor()]
    except (ImportError, RuntimeError):
        return found
