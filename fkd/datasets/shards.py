"""The files of a store: shards, each named by its hash, in a folder here or on an fsspec URI."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.sample import BadDataset
from fkd.io.files import sentence, write_whole

SUFFIX = ".shard"
# A map keeps its file open, and a process may open about a thousand.
MOST_OPEN = 256


class Shard(NamedTuple):
    """A file that is there whole or not at all. folder: a path or an fsspec URI. name: the first
    half of the SHA-256 of its bytes, and SUFFIX. pixels, size: bytes of its pictures, which come
    first, and of all of it.
    """

    folder: str
    name: str
    pixels: int
    size: int


class OpenShard(NamedTuple):
    """pixels: uint8 (N,), the pictures one after another. rows: a structured array (M,), what is
    known of each. Both are mapped, not read."""

    pixels: NDArray[np.uint8]
    rows: NDArray[Any]


def is_uri(folder: str) -> bool:
    """Whether a folder is on an fsspec URI, such as s3://bucket/faces, and not a path."""
    return "://" in folder


def hashed_name(path: Path) -> str:
    """The name of a shard with the bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32] + SUFFIX


@lru_cache(MOST_OPEN)
def open_shard(shard: Shard) -> OpenShard:
    """A shard's arrays; one on a URI is fetched first. Raises BadDataset."""
    path = fetched(shard) if is_uri(shard.folder) else Path(shard.folder) / shard.name
    try:
        whole = np.memmap(path, np.uint8, mode="r")
        with path.open("rb") as file:
            file.seek(shard.pixels)
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            rows = np.ndarray(shape, dtype, whole, file.tell())
    except OSError as error:
        raise BadDataset(sentence(error)) from None
    except (ValueError, TypeError, EOFError):
        raise damaged(shard.folder) from None
    return OpenShard(np.asarray(whole), rows)


def damaged(folder: object) -> BadDataset:
    """The error about prepared faces that are not as they were written."""
    return BadDataset(f"{folder}: its prepared faces are damaged; prepare them again")


def fetched(shard: Shard) -> Path:
    """The copy of a shard of a URI in this machine's cache. Raises BadDataset."""
    path = cache() / shard.name
    if path.is_file() and path.stat().st_size == shard.size:
        return path
    data = get(shard.folder, shard.name)
    if hashlib.sha256(data).hexdigest()[:32] + SUFFIX != shard.name:
        raise damaged(shard.folder)
    try:
        write_whole(path, data)
    except OSError as error:
        raise BadDataset(sentence(error)) from None
    return path


def cache() -> Path:
    """Where shards of a URI are kept; XDG_CACHE_HOME moves it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fkd" / "shards"


def get(folder: str, name: str) -> bytes:
    """A file of a folder on an fsspec URI. Raises BadDataset."""
    try:
        filesystem, root = _filesystem(folder)
        return bytes(filesystem.cat_file(f"{root}/{name}"))
    except Exception as error:  # each file system has its own
        raise BadDataset(f"{folder}/{name}: {_why(error)}") from None


def put(path: Path, folder: str) -> None:
    """Copy a file into a folder on an fsspec URI. Raises BadDataset."""
    try:
        filesystem, root = _filesystem(folder)
        filesystem.makedirs(root, exist_ok=True)
        filesystem.pipe_file(f"{root}/{path.name}", path.read_bytes())
    except Exception as error:  # each file system has its own
        raise BadDataset(f"{folder}/{path.name}: {_why(error)}") from None


def _filesystem(folder: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # comes with the train extra

    filesystem, root = url_to_fs(folder)
    return filesystem, root.rstrip("/")


def _why(error: Exception) -> str:
    """The first line of what a file system says, or the kind of its error where it says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error).strip() or type(error).__name__).split("\n")[0]
