"""The data sets that a run reads, named so that MLflow finds all runs on the same one."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fkd.io.config import read_yaml

LOCK = Path("dvc.lock")
# Of a command that DVC runs; what is run by hand may read other data than `dvc.lock` says.
RUN_BY_DVC = "DVC_STAGE"
TRAINING, VALIDATION, TESTING = "training", "validation", "testing"


class DataSet(NamedTuple):
    """name: where its samples come from. digest: what tells its content. context: what the run
    reads it for. folder: where it lies. profile: the number of samples, and of each kind."""

    name: str
    digest: str
    context: str
    folder: str
    profile: dict[str, int]


def data_set(folder: Path, context: str, kinds: Iterable[str], fingerprint: str) -> DataSet:
    """A prepared folder as a data set. kinds: of its samples, one for each. fingerprint: its digest
    where `dvc.lock` does not say it."""
    counts = Counter(kinds)
    profile = {"samples": counts.total(), **dict(sorted(counts.items()))}
    digest = locked_digest(folder) or fingerprint
    return DataSet(", ".join(sorted(counts)), digest, context, folder.as_posix(), profile)


def locked_digest(folder: Path) -> str:
    """What `dvc.lock` says of a folder that a stage has made; "" where it does not, or where DVC
    does not run this. Raises ConfigError."""
    if RUN_BY_DVC not in os.environ or not LOCK.is_file():
        return ""
    stages = read_yaml(LOCK)["stages"].values()
    made = {out["path"]: out.get("md5", "") for stage in stages for out in stage.get("outs", [])}
    return str(made.get(folder.as_posix(), ""))
