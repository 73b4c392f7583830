"""Changes to messages of protocol buffers, such as ONNX files, that keep them messages."""

from random import Random

from fuzz.mutate import Chunk, mutate_bytes, mutate_chunks


def mutate_protobuf(data: bytes, random: Random) -> bytes:
    """A message of protocol buffers, an ONNX file say, with one field changed at some depth."""
    fields = split_protobuf(data)
    if fields is None or random.random() < 0.2:
        return mutate_bytes(data, random)
    return join_protobuf(mutate_chunks(fields, random, mutate_protobuf))


def split_protobuf(data: bytes) -> list[Chunk] | None:
    """The fields of a message: (key, content without length); None for what is no message."""
    fields, place = [], 0
    while place < len(data):
        key, start = _varint(data, place)
        name = data[place:start]
        match key % 8:
            case 0:
                _, end = _varint(data, start)
            case 1:
                end = start + 8
            case 2:
                length, start = _varint(data, start)
                end = start + length
            case 5:
                end = start + 4
            case _:
                return None
        if end > len(data) or key < 8:
            return None
        fields.append((name, data[start:end]))
        place = end
    return fields


def join_protobuf(fields: list[Chunk]) -> bytes:
    """The message of some fields."""
    data = b""
    for name, content in fields:
        length = _as_varint(len(content)) if name[0] % 8 == 2 else b""
        data += name + length + content
    return data


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it; beyond the end for a cut one."""
    number = 0
    for shift, byte in enumerate(data[place : place + 10]):
        number |= (byte & 127) << 7 * shift
        if byte < 128:
            return number, place + shift + 1
    return number, len(data) + 1


def _as_varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
