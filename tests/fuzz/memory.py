"""How much memory a piece of code takes at most, exactly: Linux keeps the peak of a process."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class TooMuchMemory(AssertionError):
    """A piece of code took more than it was allowed."""


@contextmanager
def memory_below(megabytes: float) -> Iterator[None]:
    """Raises TooMuchMemory when the block takes more, at any time, than was in use before it."""
    RESET.write_text("5")
    before = _kilobytes("VmHWM")
    try:
        yield
    finally:
        taken = (_kilobytes("VmHWM") - before) / 1000
        if taken > megabytes:
            raise TooMuchMemory(f"took {taken:.0f} MB, more than {megabytes:.0f}")


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    assert found
    return int(found[1])
