"""Reading Qt's binary resource files (.rcc)."""

import struct
import zlib
from pathlib import PurePosixPath

COMPRESSED, FOLDER = 1, 2  # flags of an entry
ROOT = 0


def read_rcc(data: bytes) -> dict[str, bytes]:
    """The files in a resource file, by their path in it.

    Raises:
        ValueError: it is no resource file, or packs a file in a way other than zlib's.
    """
    if data[:4] != b"qres":
        raise ValueError("This is no Qt resource file: it does not start with 'qres'.")
    version, tree, payload, names = struct.unpack_from(">4I", data, 4)
    entry_size = 14 if version == 1 else 22  # later versions add the time of change

    def name(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        start = names + offset + 6  # after the length and a hash
        return data[start : start + 2 * length].decode("utf-16-be")

    def content(offset: int, flags: int) -> bytes:
        (size,) = struct.unpack_from(">I", data, payload + offset)
        start = payload + offset + 4
        stored = data[start : start + size]
        return zlib.decompress(stored[4:]) if flags & COMPRESSED else stored

    def walk(entry: int, folder: PurePosixPath) -> dict[str, bytes]:
        at = tree + entry * entry_size
        label, flags = struct.unpack_from(">IH", data, at)
        path = folder if entry == ROOT else folder / name(label)
        if flags & FOLDER:
            count, first = struct.unpack_from(">2I", data, at + 6)
            children = (walk(child, path) for child in range(first, first + count))
            return {file: found for child in children for file, found in child.items()}
        if flags & ~COMPRESSED:
            raise ValueError(f"'{path}' is packed in another way than zlib's.")
        (offset,) = struct.unpack_from(">I", data, at + 10)
        return {str(path): content(offset, flags)}

    return walk(ROOT, PurePosixPath())
