"""How long each step of an answer took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StepTimer:
    """Adds up the time of named steps. steps: those that are told even when they did not happen."""

    def __init__(self, *steps: str) -> None:
        self._seconds = dict.fromkeys(steps, 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """The block's time counts for the step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self._seconds[name] = self._seconds.get(name, 0.0) + spent

    @property
    def milliseconds(self) -> dict[str, float]:
        """Milliseconds by step, rounded to a microsecond."""
        return {name: round(1000 * seconds, 3) for name, seconds in self._seconds.items()}
