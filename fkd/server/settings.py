"""What the server allows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """max_bytes, max_pixels: of one picture. seconds: for one request, from its first byte to the
    answer. queue: pictures that wait while another is worked on. streams: live connections.
    connections: of any kind, silent ones too.
    hosts: names under which the server may be asked for. allow_origin: other site whose pages may
    use it, none by default.
    """

    max_bytes: int = 10_000_000
    max_pixels: int = 40_000_000
    seconds: float = 10.0
    queue: int = 8
    streams: int = 8
    connections: int = 64
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    allow_origin: str | None = None
