"""The limits of a server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """max_bytes, max_pixels: of one picture. max_search_pixels: of a picture shrunk so that the
    smallest face that a request asks for fills the detector's window. bodies_bytes: of all bodies
    in memory together. seconds: for one request, from its first byte to the answer. queue: pictures
    that wait while another is processed. streams: open live streams. connections: open connections
    of any kind, idle ones included.
    hosts: host names that requests may be for; "*" allows all. allow_origin: origin of another
    site whose pages may use the server; None allows none. root_path: path below which a proxy shows
    the server, such as "/faces"; empty for none.
    """

    max_bytes: int = 10_000_000
    max_pixels: int = 40_000_000
    max_search_pixels: int = 4_000_000
    bodies_bytes: int = 100_000_000
    seconds: float = 10.0
    queue: int = 8
    streams: int = 8
    connections: int = 64
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    allow_origin: str | None = None
    root_path: str = ""
