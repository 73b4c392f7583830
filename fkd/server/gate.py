"""Who may ask: the host names of this server, and pages of its own site."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fkd.server.settings import Settings


class Gate:
    """Refuses what asks under another host's name (400), and what another site's page sends (403):
    browsers let any page post to any server and open a socket to it.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(scope)
            if refusal and scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            if refusal:
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        host = headers.get("host", "")
        if "*" not in self.settings.hosts and _name(host) not in self.settings.hosts:
            return JSONResponse({"error": "this server is not known under that host name"}, 400)
        origin = headers.get("origin")
        own = (None, f"http://{host}", f"https://{host}", self.settings.allow_origin)
        if origin not in own and (scope["type"] == "websocket" or scope["method"] == "POST"):
            return JSONResponse({"error": "pages of another site may not use this server"}, 403)
        return None


def _name(host: str) -> str:
    """A Host header without its port; IPv6 addresses keep their brackets."""
    return host[: host.rfind(":")] if ":" in host[host.rfind("]") + 1 :] else host
