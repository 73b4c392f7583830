"""The photos that a table or a file of labels names."""

import os
from pathlib import Path

from fkd.datasets.sample import BadSample, check_name


def named_photo(folder: Path, name: str) -> Path:
    """The photo of a name, which may not lead out of the folder; it need not be there.

    Raises BadSample.
    """
    check_name(name)
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise BadSample("the name leads out of the data set")
    if path.exists() and not path.is_file():  # reading a pipe would wait for its other end
        raise BadSample("the name is that of a folder or a pipe")
    return path
