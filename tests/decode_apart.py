"""Decodes files, each in a process of its own, and prints what came of it as a line of JSON:
`python tests/decode_apart.py FILE ...`. megabytes: the peak of resident memory above that of a
process that decodes nothing. seconds: of the processor."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import PIL.Image

from fkd.io.images import ImageError, decode_image

# What a process may ask for, so that a fault does not take the machine.
MOST_MEMORY = 4 << 30


def apart(work: Callable[[], str]) -> tuple[str, float, float]:
    """What some work says when a forked process does it, its peak memory in MB and its seconds."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        os.write(write, work().encode()[:1000])
        os._exit(0)
    os.close(write)
    _, _, used = os.wait4(child, 0)
    said = os.read(read, 1000).decode()
    os.close(read)
    return said, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def decoded(data: bytes) -> str:
    try:
        height, width, _ = decode_image(data, "a").shape
        return f"{width}x{height}"
    except ImageError as error:
        return f"refused: {error}"
    except BaseException as error:
        return f"unforeseen: {type(error).__name__} {error}"


if __name__ == "__main__":
    PIL.Image.init()
    _, before, _ = apart(lambda: str(time.time()))
    for name in sys.argv[1:]:
        data = Path(name).read_bytes()
        said, megabytes, seconds = apart(lambda data=data: decoded(data))
        record = {"said": said, "megabytes": round(megabytes - before), "seconds": seconds}
        print(json.dumps(record))
