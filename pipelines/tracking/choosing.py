"""One at a time: whoever chooses a champion does so alone, on whichever machine it runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# A registered model without versions. Its name is unique in every kind of store, so that of two
# who make it one is refused; MLflow itself has no lock, and an alias is set without a condition.
LOCK = "fkd-choosing-champion"
# Choosing takes one to a few seconds. Whoever holds the lock for so long was killed.
PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.3


@contextmanager
def choosing(client: Any) -> Iterator[None]:
    """Wait until nobody else chooses, and keep others waiting. Raises MlflowException."""
    _take(client)
    try:
        yield
    finally:
        client.delete_registered_model(LOCK)


def _take(client: Any) -> None:
    from mlflow.exceptions import MlflowException

    holder, since = 0, time.monotonic()
    while True:
        try:
            client.create_registered_model(LOCK, description="Held while a champion is chosen.")
            return
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        present = _made_at(client)
        if present != holder:
            holder, since = present, time.monotonic()
        elif holder and time.monotonic() - since > PATIENCE_SECONDS:
            client.delete_registered_model(LOCK)
        time.sleep(PAUSE_SECONDS)


def _made_at(client: Any) -> int:
    """When the lock was made, which tells one from the next; 0 where it is gone."""
    locks = client.search_registered_models(f"name = '{LOCK}'")
    return int(locks[0].creation_timestamp) if locks else 0
