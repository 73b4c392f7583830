"""`python -m fkd`."""

from fkd.cli import app

app()
