"""The command line: parse, one library call, print. One module for each group of commands."""

from fkd.cli import infer, models, serve, video
from fkd.cli.app import app

__all__ = ["app", "infer", "models", "serve", "video"]
