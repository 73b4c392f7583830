"""What a person at a terminal sees while many photos or frames are read."""

import sys
import time


class PhotoBar:
    """A line on standard error that says how far many photos are; only on a terminal."""

    def __init__(self, total: int, what: str = "photos") -> None:
        """total: sys.maxsize where nobody knows."""
        self.total, self.done, self.what = total, 0, what
        self.shown = total > 1 and sys.stderr.isatty()
        self.started = time.monotonic()

    def note(self, message: str) -> None:
        """A message about a photo that is done with."""
        self._clear()
        print(message, file=sys.stderr, flush=True)
        self.step()

    def result(self, line: str) -> None:
        """A photo's line on standard output."""
        self._clear()
        print(line, flush=True)
        self.step()

    def close(self) -> None:
        """Leave a clean line."""
        self._clear()

    def rate(self) -> float:
        """How many a second so far."""
        return self.done / max(time.monotonic() - self.started, 1e-6)

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if self.shown:
            rate = self.rate()
            known = self.total < sys.maxsize
            of = f"/{self.total}" if known else ""
            left = f", {(self.total - self.done) / rate:.0f} s left" if known else ""
            text = f"{self.done}{of} {self.what}, {rate:.1f} a second{left}"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
