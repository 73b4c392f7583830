"""What a person sees while a network trains: a bar on a terminal, a line an epoch elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

TEXT = "epoch {task.fields[epoch]}/{task.fields[epochs]}  loss {task.fields[loss]:.4f}"
SCORE = "val {task.fields[val]}  {task.fields[rate]}  {task.fields[left]} left"


class TrainingBar:
    """A context in which `on_batch` and `on_epoch` are shown."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.console = Console()
        self.bar = Progress(
            TextColumn(TEXT),
            BarColumn(),
            TextColumn(SCORE),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None
        self.first: float | None = None
        self.started = time.monotonic()

    def __enter__(self) -> "TrainingBar":
        self.bar.start()
        self.task = self.bar.add_task(
            "train",
            total=self.epochs,
            epoch=1,
            epochs=self.epochs,
            loss=0.0,
            val="-",
            rate="-",
            left="?",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def on_batch(self, epoch: int, fraction: float, loss: float) -> None:
        """epoch from 0, the fraction of it that is done, the batch's loss."""
        assert self.task is not None
        done = epoch + fraction
        if self.first is None:
            self.first, self.started = done, time.monotonic()
        left = self._left(done)
        self.bar.update(self.task, completed=done, epoch=epoch + 1, loss=loss, left=left)

    def on_epoch(self, epoch: int, loss: float, val: str, rate: str) -> None:
        """A finished epoch, from 0: its mean loss, how it scores on validation, and how fast it
        was."""
        assert self.task is not None
        self.bar.update(self.task, val=val, rate=rate)
        if not self.console.is_terminal:
            print(
                f"epoch {epoch + 1}/{self.epochs}  loss {loss:.4f}  val {val}  {rate}  "
                f"{self._left(epoch + 1)} left",
                flush=True,
            )

    def _left(self, done: float) -> str:
        if self.first is None or done <= self.first:
            return "?"
        each = (time.monotonic() - self.started) / (done - self.first)
        seconds = round(each * (self.epochs - done))
        return f"{seconds // 60}:{seconds % 60:02d}"
