"""Send what waits for the tracking store, and close the runs of killed processes: `python -m
pipelines.tracking`."""

import sys

from pipelines.tracking.mlflow_store import (
    MlflowStore,
    calls_to_store,
    close_abandoned,
    connect,
)
from pipelines.tracking.open_runs import abandoned
from pipelines.tracking.outbox import FOLDER, Outbox, Unreachable, project, say, waiting_records


def main() -> None:
    for folder in sorted((project() / FOLDER).glob("*")):
        waiting = waiting_records(folder)
        if waiting and not Outbox(folder.name, waiting[0], MlflowStore()).send():
            sys.exit(1)  # why has been said
        print(f"{folder.name}: {len(waiting)} records sent")
    if gone := abandoned():
        try:
            with calls_to_store():
                close_abandoned(connect(), gone)
        except Unreachable as error:
            say(f"{len(gone)} runs of killed processes stay open ({error})")
            sys.exit(1)
        print(f"{len(gone)} runs of killed processes closed")


if __name__ == "__main__":
    main()
