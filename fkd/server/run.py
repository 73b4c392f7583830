"""Running the app with uvicorn, within the limits on connections."""

import os
import socket

import uvicorn
from fastapi import FastAPI

from fkd.server.clients import ClientTimeouts
from fkd.server.protocol import HttpConnection, StreamConnection
from fkd.server.settings import Settings

# Connections that are accepted at once, which is before one too many can be refused.
BACKLOG = 32


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a host's name or address; port 0 takes a free one. Raises OSError
    without the address."""
    if not host:  # would be all addresses
        raise OSError("not the name of a host")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except TypeError:  # of what no name can be: with an empty or overlong part, or a null
        raise OSError("not the name of a host") from None
    except OSError as error:  # Python adds "(while attempting to bind on address ...)"
        raise OSError(error.errno, (error.strerror or "").partition(" (while")[0]) from None


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The server of an app, to be run on the socket of `listen`."""
    return uvicorn.Config(
        ClientTimeouts(app),
        http=HttpConnection,
        ws=StreamConnection,
        ws_max_size=settings.max_bytes,
        ws_per_message_deflate=False,  # pictures are compressed already
        limit_concurrency=settings.connections,
        backlog=BACKLOG,
        proxy_headers=False,  # the client's address is not used
        timeout_graceful_shutdown=round(settings.seconds),
        log_level="error",  # a client's bad request is no news
        access_log=False,
    )


def descriptors_needed(settings: Settings) -> int:
    """How many file descriptors a server may need beside those that are open before it starts."""
    # For four rounds of the event loop, those that are accepted are not yet refused.
    return settings.connections + 4 * BACKLOG + 16


def can_open(descriptors: int) -> bool:
    """Whether so many more file descriptors can be opened."""
    opened: list[int] = []
    try:
        while len(opened) < descriptors:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True
