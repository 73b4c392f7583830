"""What a person at a terminal sees while many photos are read."""

import sys
import time


class PhotoBar:
    """A line on standard error that says how far many photos are; only on a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.shown = total > 1 and sys.stderr.isatty()
        self.started = time.monotonic()

    def note(self, message: str) -> None:
        """A message about a photo that is done with."""
        self._clear()
        print(message, file=sys.stderr, flush=True)
        self._step()

    def result(self, line: str) -> None:
        """A photo's line on standard output."""
        self._clear()
        print(line, flush=True)
        self._step()

    def close(self) -> None:
        """Leave a clean line."""
        self._clear()

    def _step(self) -> None:
        self.done += 1
        if self.shown:
            rate = self.done / max(time.monotonic() - self.started, 1e-6)
            left = (self.total - self.done) / rate
            text = f"{self.done}/{self.total} photos, {rate:.1f} a second, {left:.0f} s left"
            print(text, end="", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
