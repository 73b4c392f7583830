"""The command line: parse, one library call, print. One module for each group of commands."""

from fkd.cli import align, drift, infer, label, models, serve, video
from fkd.cli.app import app

__all__ = ["align", "app", "drift", "infer", "label", "models", "serve", "video"]
