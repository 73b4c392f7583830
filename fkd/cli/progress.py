"""What a person at a terminal sees while many photos or frames are read."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from fkd.io.files import STANDARD_OUTPUT
from fkd.io.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress


class ProgressBar:
    """A bar on standard error that says how far many things are; only on a terminal, so that pipes
    and logs hold nothing but results and messages. It leaves a clean line when its block ends.
    """

    def __init__(self, total: int | None, what: str) -> None:
        """total: None where nobody knows. what: of many, such as "photos"."""
        self.done = 0
        self.started = time.monotonic()
        self._bar = None if total == 1 else bar_on_terminal(what, total)

    def note(self, message: str) -> None:
        """A message on standard error about one that is done with."""
        self._print([message], sys.stderr, "standard error")

    def result(self, *lines: str) -> None:
        """Lines on standard output for one that is done with. Raises OSError that names it."""
        self._print(lines, sys.stdout, STANDARD_OUTPUT)

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if self._bar:
            rate = f"{self.rate():.1f} a second"
            self._bar.update(self._bar.task_ids[0], advance=1, rate=rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def rate(self) -> float:
        """How many a second so far."""
        return self.done / max(time.monotonic() - self.started, 1e-6)

    def _print(self, lines: Sequence[str], file: TextIO | None, name: str) -> None:
        # Standard output may be elsewhere than the bar, and rich would wrap long lines: the bar
        # makes way while a line is printed.
        if self._bar:
            self._bar.stop()
        if file:
            try:
                for line in lines:
                    print(printable(line), file=file, flush=True)
            except OSError as error:
                raise OSError(error.errno, error.strerror, name) from None
        self.step()
        if self._bar:
            self._bar.start()


def bar_on_terminal(what: str, total: int | None, done: int = 0) -> "Progress | None":
    """A running bar with one task, whose field `rate` is shown; None where standard error is no
    terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        return None
    bar = _bar()
    bar.add_task(what, total=total, completed=done, rate="")
    bar.start()
    return bar


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
