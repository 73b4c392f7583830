"""Files on this machine and, by pyarrow, in stores with an address such as `s3://bucket/a.jpg`.

A place is a text: the absolute path of a file, or an address. What cannot be done is an OSError
that names the place.
"""

import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit

from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from fkd.io.files import whole_file
from fkd.io.images import is_address
from fkd.io.text import printable, shortened

MAX_BYTES = 1_000_000_000  # of a file that is read whole
MAX_WORDS = 200  # characters of an error's text, which may be the server's
# What libraries put around the words of a server.
AROUND = re.compile(
    r"^When .*?: (?=AWS Error)|(?<=: )curlCode: \d+, |; Details: .*|\[Errno \d+\] |\. Detail: .*"
    r"| \(Request ID: .*"
)
AWS = re.compile(r"AWS Error (\w+) during \w+ operation: (No response body\.)?")


class Entry(NamedTuple):
    """What is in a folder. size: bytes; None for a folder."""

    place: str
    size: int | None


def absolute(place: str) -> str:
    """The place of what a user typed: an address as it is, of a file, also of `file://`, its
    absolute path."""
    if place.lower().startswith("file://"):
        place = unquote(urlsplit(place).path)
    return place if is_address(place) else os.path.abspath(place)


def joined(folder: str, name: str) -> str:
    """The place of a name in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else os.path.join(folder, name)


def name(place: str) -> str:
    """The last part of a place."""
    return place.rstrip("/").rpartition("/")[2] if is_address(place) else os.path.basename(place)


def parent(place: str) -> str:
    """The folder that a place lies in."""
    return place.rpartition("/")[0] if is_address(place) else os.path.dirname(place)


def is_folder(place: str) -> bool | None:
    """Whether a place is a folder, and not a file; None where nothing is."""
    if not is_address(place):
        return os.path.isdir(place) if os.path.lexists(place) else None
    with _naming(place):
        files, path = opened(place)
        kind = files.get_file_info(path).type
    return None if kind == FileType.NotFound else kind == FileType.Directory


def entries(folder: str) -> Iterator[Entry]:
    """What is in a folder that is not hidden, sorted by name. Links to folders are not followed;
    links that lead nowhere are files of 0 bytes."""
    if is_address(folder):
        with _naming(folder):
            files, path = opened(folder)
            found = files.get_file_info(FileSelector(path))
        for info in sorted(found, key=lambda info: info.base_name):
            if not info.base_name.startswith(".") and info.path.rstrip("/") != path.rstrip("/"):
                size = None if info.type == FileType.Directory else info.size
                yield Entry(joined(folder, info.base_name), size)
        return
    with os.scandir(folder) as scanned:
        names = sorted(
            entry.name + "/" * entry.is_dir()  # a text a name, as there may be millions
            for entry in scanned
            if not entry.name.startswith(".") and _is_kept(entry)
        )
    for name in names:
        place = os.path.join(folder, name.rstrip("/"))
        yield Entry(place, None if name.endswith("/") else size_of(place) or 0)


def _is_kept(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, a folder, or a link to a file or to nothing: not one to a folder, which
    could lead in a circle, and no pipe, which would be waited for."""
    if entry.is_symlink():
        return entry.is_file() or not os.path.exists(entry.path)
    return entry.is_file() or entry.is_dir()


def size_of(path: str) -> int | None:
    """The bytes of a file on this machine; None where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def read(place: str) -> bytes:
    """A whole file."""
    with _naming(place):
        if not is_address(place):
            with open(place, "rb") as local:
                return _checked(local.read(MAX_BYTES + 1), place)
        files, path = opened(place)
        with files.open_input_stream(path, buffer_size=0) as remote:
            return _checked(remote.read(MAX_BYTES + 1), place)


def lines(place: str) -> Iterator[str]:
    """The lines of a text file, without their ends, one by one."""
    with _naming(place):
        store, path = opened(place)
        data = store.open_input_stream(path)
        with io.TextIOWrapper(data, "utf-8", "surrogateescape") as text:
            for line in text:
                yield line.rstrip("\r\n")


@contextmanager
def written(place: str) -> Iterator[Path]:
    """A path to write to, whose file is at the place when the block ends, whole or not at all."""
    if not is_address(place):
        with whole_file(Path(place)) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory() as folder:
        partial = Path(folder) / "whole"
        yield partial
        with _naming(place):
            files, path = opened(place)
            # A store shows a file when it is closed, and this process ends before that or not.
            with partial.open("rb") as whole, files.open_output_stream(path) as remote:
                shutil.copyfileobj(whole, remote, 1 << 22)


def write(place: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    with written(place) as partial:
        partial.write_bytes(data)


@cache
def _filesystem(root: str) -> tuple[FileSystem, str]:
    """The file system of `scheme://server`, and what its paths start with."""
    return FileSystem.from_uri(root)


def opened(place: str) -> tuple[FileSystem, str]:
    """The file system of a place, and the path in it."""
    if not is_address(place):
        return LocalFileSystem(), place
    # Only the root is parsed as an address: names may have spaces, "?", "#" and "%" as they are.
    scheme, _, rest = place.partition("://")
    server, _, path = rest.partition("/")
    files, root = _filesystem(f"{scheme}://{server}")
    return files, f"{root.rstrip('/')}/{path}".rstrip("/")


def _checked(data: bytes, place: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise OSError(None, f"has more than {MAX_BYTES // 1_000_000} MB", place)
    return data


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Raises what pyarrow raises as an OSError that names the place, in few words."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        _raise(error, place)


def _raise(error: Exception, place: str) -> NoReturn:
    if isinstance(error, FileNotFoundError):
        raise OSError(error.errno, "no such file or directory", place) from None
    if isinstance(error, OSError) and error.strerror and error.filename:
        raise error
    if "Unrecognized filesystem type" in str(error):
        known = "file, s3, gs, abfs, hdfs and fsspec+NAME"
        raise OSError(None, f"of addresses, those of {known} are known", place) from None
    words = AROUND.sub("", (str(error).splitlines() or [type(error).__name__])[0])
    words = AWS.sub(lambda found: f"{found[1].lower().replace('_', ' ')}: ", words).rstrip(": ")
    raise OSError(None, shortened(printable(words), MAX_WORDS), place) from None
