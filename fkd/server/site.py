"""The page, which `web/` builds, and what it loads to compute in the browser."""

import re
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from fkd.models.zoo import DETECTOR, PACKAGED

PAGE = Path(__file__).parent / "page"
# What computes in the browser, where `make web` has built it: a worker, and onnxruntime.
DEVICE = Path(__file__).parent / "device"
# Not those for research only: they are not passed on.
WEIGHTS = {path.name: path for path in (PACKAGED["nano"], PACKAGED["base"], DETECTOR)}
# The page loads nothing from other sites, and no other site may frame it.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"
)
# The networks are WebAssembly, which the worker alone may run.
DEVICE_POLICY = f"script-src 'self' 'wasm-unsafe-eval'; {POLICY}"


def content_policy(path: str) -> str:
    """What a file of the page may load and run."""
    return DEVICE_POLICY if path.startswith("/device/") else POLICY


def page_build() -> str:
    """The digest of the sources of which the page was built."""
    found = re.search(r"page\.js\?build=(\w+)", (PAGE / "index.html").read_text())
    assert found is not None
    return found[1]


def add_page(app: FastAPI) -> None:
    """Let an app serve the page, below whatever it serves already."""
    device = (DEVICE / f"worker-{page_build()}.js").is_file()

    @app.get("/engines.json", include_in_schema=False)
    async def engines() -> dict[str, bool]:
        return {"device": device, "server": True}

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html")

    if device:

        @app.get("/sw.js", include_in_schema=False)
        async def service_worker() -> FileResponse:
            return FileResponse(DEVICE / "sw.js")

        @app.get("/weights/{name}", include_in_schema=False)
        async def weights(name: str) -> FileResponse:
            if name not in WEIGHTS:
                raise HTTPException(404)
            return FileResponse(WEIGHTS[name], media_type="application/octet-stream")

        app.mount("/device", StaticFiles(directory=DEVICE))
    app.mount("/", StaticFiles(directory=PAGE, html=True))
