"""Who may use the server: requests for its own host names, from pages of its own site."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fkd.server.settings import Settings


# Starlette's TrustedHostMiddleware is not used: it answers in plain text instead of JSON, may
# redirect to a www. name, and its older versions cut an IPv6 address at the first colon.
class OriginCheck:
    """Middleware that refuses requests for another host name (400) and what pages of another site
    send (403): browsers let every page post to any server and open a WebSocket to it.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.allow_origin = settings.allow_origin and settings.allow_origin.lower()
        self.hosts = {_host_name(host) for host in settings.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._error(scope) if scope["type"] in ("http", "websocket") else None
        if error is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await error(scope, receive, send)

    def _error(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if "*" not in self.hosts and _host_name(host) not in self.hosts:
            reason = "the host name of the request is not one of this server's; see --allow-host"
            return JSONResponse({"error": reason}, 400)
        own = (f"http://{host}", f"https://{host}", self.allow_origin)
        foreign = origin is not None and origin.lower() not in own
        if foreign and (scope["type"] == "websocket" or scope["method"] == "POST"):
            reason = "pages of another site may not use this server; see --allow-origin"
            return JSONResponse({"error": reason}, 403)
        return None


def _host_name(host: str) -> str:
    """The name in a Host header, or one that a person wrote, in the form in which names are
    compared: lower case, no port, no dot of the root, IPv6 addresses in brackets."""
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    name = host[: host.rfind(":")] if ":" in host[host.rfind("]") + 1 :] else host
    return name.lower().removesuffix(".")
