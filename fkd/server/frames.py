"""Counting the frames of a WebSocket before they are parsed."""

# Bytes of the extended length by the 7-bit length, and of the mask (RFC 6455, section 5.2).
EXTENDED = {126: 2, 127: 8}
MASK = 4


class FrameCounter:
    """Counts frames of any kind (messages, their fragments, pings) in a connection's bytes.

    A fragment without content takes seven bytes and much longer to parse than to skip.
    """

    def __init__(self) -> None:
        self._begun = b""  # of a frame's head
        self._skip = 0  # bytes of a frame that has been counted and are still to come

    def count(self, data: bytes, stop: int) -> int:
        """How many frames have their length in these next bytes. Counts no further than `stop`,
        and must not be called again then."""
        data = self._begun + data
        at, frames = self._skip, 0
        while frames < stop and (size := _frame_size(data, at)):
            at += size
            frames += 1
        self._begun = data[at:]
        self._skip = max(0, at - len(data))
        return frames


def _frame_size(data: bytes, at: int) -> int:
    """Bytes of the frame that begins at `at`; 0 while its length has not arrived."""
    if len(data) < at + 2:
        return 0
    length = data[at + 1] & 0x7F
    head = 2 + EXTENDED.get(length, 0)
    if len(data) < at + head:
        return 0
    if head > 2:
        length = int.from_bytes(data[at + 2 : at + head], "big")
    return head + (MASK if data[at + 1] & 0x80 else 0) + length
