"""Pictures at http and https addresses, within limits of size and time."""

import threading
from http.client import HTTPException, HTTPResponse
from time import monotonic
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from fkd.io.image_errors import ImageError
from fkd.io.text import printable, shortened

MAX_BYTES = 100_000_000
# Of the whole, from looking up the host to the last byte; and of each wait for the server.
SECONDS, WAIT_SECONDS = 60.0, 15.0
MAX_REDIRECTS = 5
READ_BYTES = 1 << 16
SCHEMES = ("http", "https")
OK, REDIRECTS = 200, (301, 302, 303, 307, 308)
# What may stand in an address as it is; the rest is encoded.
AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
MAX_WORDS = 80  # characters of an error's text, which may be the server's


def fetch(address: str) -> bytes:
    """What a server answers to GET, by the proxies of the environment (`https_proxy`).

    Raises ImageError, whose message does not name the address: for one of another scheme, an answer
    with another status than 200, one above the limits, or none.
    """
    # In a thread of its own, as neither the look-up of a host nor headers that come byte by byte
    # can be bounded otherwise. It is left alone at the limit, and ends with the process.
    outcomes: list[bytes | ImageError] = []
    deadline = monotonic() + SECONDS
    thread = threading.Thread(
        target=lambda: outcomes.append(_outcome(address, deadline)), daemon=True
    )
    thread.start()
    thread.join(SECONDS)
    outcome = outcomes[0] if outcomes else ImageError(f"took more than {SECONDS:g} seconds")
    if isinstance(outcome, ImageError):
        raise outcome
    return outcome


def _outcome(address: str, deadline: float) -> bytes | ImageError:
    try:
        return _follow(address, deadline)
    except ImageError as error:
        return error
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", error)  # what urllib's URLError wraps
        words = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        return ImageError(f"cannot be read ({shortened(printable(words), MAX_WORDS).lower()})")


def _follow(address: str, deadline: float) -> bytes:
    """The body at an address or at where it is redirected to. urllib's own handler of redirects
    would follow to ftp, and read a redirect's endless body."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    for _ in range(MAX_REDIRECTS + 1):
        request = Request(_checked(address), headers={"User-Agent": "fkd"})
        with opener.open(request, timeout=WAIT_SECONDS) as answer:
            location = answer.headers["Location"]
            if answer.status == OK:
                return _body(answer, deadline)
            if answer.status not in REDIRECTS or not location:
                raise ImageError(f"the server answers {answer.status}")
            address = urljoin(address, location)
    raise ImageError(f"redirects in a circle, or more than {MAX_REDIRECTS} times")


def _checked(address: str) -> str:
    """The address, in ASCII. Raises ImageError for one that is not asked for."""
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES:
        scheme = shortened(printable(parts.scheme), MAX_WORDS)
        raise ImageError(f"of addresses, http and https are read, not {scheme}")
    if not parts.hostname:
        raise ImageError("names no server")
    host = parts.netloc.encode("idna").decode()
    return quote(parts._replace(netloc=host, fragment="").geturl(), safe=AS_IT_IS)


def _body(answer: HTTPResponse, deadline: float) -> bytes:
    data = bytearray()
    # Behind the deadline nobody waits for it any more.
    while monotonic() < deadline and (chunk := answer.read1(READ_BYTES)):
        data += chunk
        if len(data) > MAX_BYTES:
            raise ImageError(f"has more than {MAX_BYTES // 1_000_000} MB")
    return bytes(data)
