"""Send what waits for the tracking store: `python -m pipelines.tracking`."""

import sys

from pipelines.tracking.mlflow_store import MlflowStore
from pipelines.tracking.outbox import FOLDER, Outbox, project, waiting_records


def main() -> None:
    for folder in sorted((project() / FOLDER).glob("*")):
        waiting = waiting_records(folder)
        if waiting and not Outbox(folder.name, waiting[0], MlflowStore()).send():
            sys.exit(1)  # why has been said
        print(f"{folder.name}: {len(waiting)} records sent")


if __name__ == "__main__":
    main()
