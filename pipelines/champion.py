"""Choosing the champion by hand; the reason is written into the version's description.

python -m pipelines.champion promote 3 --reason "fewer faults on profiles"
python -m pipelines.champion revert --reason "breaks on beards"
python -m pipelines.champion show
python -m pipelines.champion first
"""

from typing import Annotated, Any

import typer

from pipelines.registry import first_champion
from pipelines.tracking.choosing import choosing
from pipelines.tracking.mlflow_store import calls_to_store, connect
from pipelines.tracking.outbox import Unreachable
from pipelines.tracking.registry import (
    CHAMPION,
    PREVIOUS,
    REGISTERED,
    Version,
    of_alias,
    settle,
    version,
)

app = typer.Typer(no_args_is_help=True, help="Choose the champion by hand.")
Reason = Annotated[str, typer.Option(help="Why, for those who read the version's description.")]


@app.command()
def promote(
    number: Annotated[str, typer.Argument(help="The version's number.")], reason: Reason
) -> None:
    """Make a version the champion."""
    with calls_to_store():
        client = connect()
        lead(client, version(client, number), reason)


@app.command()
def revert(reason: Reason) -> None:
    """Make the champion before this one the champion again."""
    with calls_to_store():
        client = connect()
        before = of_alias(client, PREVIOUS)
        if before is None:
            raise SystemExit("champion: there was no other champion before")
        lead(client, before, f"reverted: {reason}")


@app.command()
def show() -> None:
    """Show the champion, and every decision about it."""
    with calls_to_store():
        leading = of_alias(connect(), CHAMPION)
    if leading is None:
        raise SystemExit("champion: there is none; the stage registry chooses the first")
    print(f"{REGISTERED} version {leading.number}, run {leading.run_id}\n{leading.description}")


@app.command()
def first() -> None:
    """Make the packaged model the champion of a registry that has none."""
    with calls_to_store():
        leading = first_champion(connect())
    print(f"{REGISTERED} version {leading.number} is {CHAMPION}")


def lead(client: Any, chosen: Version, reason: str) -> None:
    """Make a version the champion for a reason."""
    with choosing(client):
        settle(client, chosen.number, CHAMPION, f"by hand, {reason}")
    print(f"{REGISTERED} version {chosen.number} is {CHAMPION}")


def main() -> None:
    try:
        app(prog_name="python -m pipelines.champion")
    except Unreachable as error:
        raise SystemExit(f"champion: {error}") from None


if __name__ == "__main__":
    main()
