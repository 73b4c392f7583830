"""The photos that a user names: in folders, by patterns, in lists and in stores."""

import glob
import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from fkd.inference.parquet import files
from fkd.io.images import SUFFIXES, is_address
from fkd.io.unread_formats import SUFFIXES as UNREAD_SUFFIXES
from fkd.io.web import SCHEMES as WEB

# What a folder is searched for: a picture that is not read is a row that says so.
PICTURES = (*SUFFIXES, *UNREAD_SUFFIXES)
LIST = ".txt"
# Of a photo in a list whose size would take a request to learn.
ASSUMED_BYTES = 500_000


class SourceError(ValueError):
    """What a user named has no photos; the message is one sentence."""


class Photo(NamedTuple):
    """uri: the absolute path of a file, or an address. size: bytes, as far as they are known."""

    uri: str
    size: int


def find_photos(sources: Sequence[str]) -> Iterator[Photo]:
    """The photos of files, folders (searched through), globs, addresses of stores and of the web,
    and of text files (`.txt`) with one of these files or addresses a line; each photo once.

    They come in an order that depends on names alone, and as they are found: in memory are only the
    names of one folder at a time, and, where a list or several sources could name a photo twice,
    a digest of each. Raises SourceError and OSError.
    """
    found = chain.from_iterable([_photos_of(source) for source in sources])
    return found if len(sources) == 1 and not is_list(sources[0]) else _once(found)


def is_list(source: str) -> bool:
    """Whether a source is a text file that lists photos."""
    return source.lower().endswith(LIST)


def _photos_of(source: str) -> Iterator[Photo]:
    if source == "-":
        raise SourceError("-: standard input cannot be read again after a stop; name files")
    place = files.absolute(source)
    if is_web(place):
        return iter([Photo(place, ASSUMED_BYTES)])
    folder = files.is_folder(place)
    if folder:
        return _some(_below(place), f"{source}: no photos in this folder")
    if folder is None and not is_address(place) and glob.has_magic(source):
        matches = (path for path in sorted(glob.glob(place, recursive=True)))
        photos = (_local(path) for path in matches if os.path.isfile(path))
        return _some(photos, f"{source}: matches no file")
    if folder is None:
        raise SourceError(f"{source}: no such file or folder")
    if is_list(source):
        return _some(_listed(place), f"{source}: lists no photos")
    return iter([Photo(place, ASSUMED_BYTES) if is_address(place) else _local(place)])


def is_web(place: str) -> bool:
    """Whether a place is an http or https address."""
    return place.partition("://")[0].lower() in WEB


def _below(folder: str) -> Iterator[Photo]:
    """The pictures of a folder, and then those of its folders."""
    folders = []
    for place, size in files.entries(folder):
        if size is None:
            folders.append(place)
        elif place.lower().endswith(PICTURES):
            yield Photo(place, size)
    for inner in folders:
        yield from _below(inner)


def _listed(place: str) -> Iterator[Photo]:
    """The photos of a list; paths in it start where the list lies."""
    for line in files.lines(place):
        if not line:
            continue
        uri = files.absolute(line if is_address(line) else files.joined(files.parent(place), line))
        yield Photo(uri, ASSUMED_BYTES) if is_address(uri) else _local(uri)


def _local(path: str) -> Photo:
    return Photo(path, files.size_of(path) or 0)


def _some(photos: Iterator[Photo], none: str) -> Iterator[Photo]:
    """The photos. Raises SourceError where there are none."""
    count = 0
    for count, photo in enumerate(photos, 1):  # noqa: B007
        yield photo
    if not count:
        raise SourceError(none)


def _once(photos: Iterator[Photo]) -> Iterator[Photo]:
    seen: set[bytes] = set()
    for photo in photos:
        digest = blake2b(os.fsencode(photo.uri), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            yield photo
