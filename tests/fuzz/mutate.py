"""Changes to bytes, to numbers in known places, and to files that are made of chunks."""

import struct
from collections.abc import Callable
from random import Random

# (what the chunk is called, what is in it)
Chunk = tuple[bytes, bytes]
# (where the number stands, its struct format)
Field = tuple[int, str]

# Where sizes wrap, turn negative, or ask for gigabytes.
NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 4095, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Some bytes changed, inserted, removed or repeated, or a number put somewhere."""
    place, length = random.randrange(len(data) + 1), random.choice((1, 1, 2, 4, 16, 64))
    before, after, rest = data[:place], data[place:], data[place + length :]
    match random.randrange(5):
        case 0:
            return before + random.randbytes(length) + rest
        case 1:
            return before + random.randbytes(length) + after
        case 2:
            return before + rest
        case 3:
            return before + data[place : place + length] * random.choice((2, 3, 100)) + rest
    number = struct.pack(random.choice("<>") + "I", random.choice(NUMBERS))
    number = number[: random.choice((1, 2, 4))]
    return before + number + data[place + len(number) :]


def mutate_fields(data: bytes, random: Random, fields: list[Field]) -> bytes:
    """One of a file's numbers replaced by one that sizes break at."""
    place, form = random.choice(fields)
    size = struct.calcsize(form)
    number = random.choice((*NUMBERS, random.getrandbits(32))) % 2 ** (8 * size)
    return data[:place] + struct.pack(form, number) + data[place + size :]


def mutate_chunks(
    chunks: list[Chunk], random: Random, inside: Callable[[bytes, Random], bytes] = mutate_bytes
) -> list[Chunk]:
    """Chunks with one dropped, doubled, moved, renamed, or changed by `inside`."""
    if not chunks:
        return chunks
    chunks = list(chunks)
    at = random.randrange(len(chunks))
    kind, content = chunks[at]
    match random.randrange(8):
        case 0:
            del chunks[at]
        case 1:
            chunks[at:at] = [(kind, content)] * random.choice((1, 2, 50))
        case 2:
            chunks.insert(random.randrange(len(chunks)), chunks.pop(at))
        case 3:
            chunks[at] = random.choice(chunks)[0], content
        case _:
            chunks[at] = kind, inside(content, random)
    return chunks
