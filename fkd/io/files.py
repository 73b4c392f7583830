"""Writing files whole or not at all, and saying in one sentence why one cannot be used."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STANDARD_OUTPUT = "standard output"  # what messages call it


def reason(error: OSError) -> str:
    """Why the system refused, in its own words: "no such file or directory"."""
    return (error.strerror or str(error)).lower()


def sentence(error: OSError) -> str:
    """What the system refused, and why: "a.csv: no space left on device"."""
    return reason(error) if error.filename is None else f"{error.filename}: {reason(error)}"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when the block ends and vanishes when it fails.

    It has the suffix of `path`, a name that nobody can foresee, and the permissions that the umask
    leaves. Raises OSError, which names `path` where the block or the system could not write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.stem[:32]}.", path.parent)
    except OSError as error:
        raise _naming(path, error) from None
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        if error.filename in (None, name, partial):
            raise _naming(path, error) from None
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises OSError that names it."""
    with whole_file(path) as partial:
        partial.write_bytes(data)


def _naming(path: Path, error: OSError) -> OSError:
    """The same error about the file that was to be written, not its partial one."""
    return OSError(error.errno, error.strerror or str(error), str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
