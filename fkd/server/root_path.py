"""A server that a proxy shows below a path of its site."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """Middleware that takes requests with the path, such as `/faces`, before the server's own
    addresses, and those without, from which the proxy has taken it.

    The path alone is redirected to `/faces/`, because the addresses in the page are relative.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app, self.root_path = app, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self.root_path:
            await RedirectResponse(f"{self.root_path}/")(scope, receive, send)
        elif scope["type"] in ("http", "websocket"):
            await self.app({**scope, **self._whole(scope["path"])}, receive, send)
        else:
            await self.app(scope, receive, send)

    def _whole(self, path: str) -> Scope:
        """The paths of a scope as ASGI wants them: the whole one begins with the root."""
        below = path.startswith(f"{self.root_path}/")
        return {"root_path": self.root_path, "path": path if below else self.root_path + path}
