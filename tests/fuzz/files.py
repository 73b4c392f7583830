"""Files for code that reads from a path and not from bytes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_file(data: bytes, name: str) -> Iterator[Path]:
    """A file of some bytes in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        yield path
