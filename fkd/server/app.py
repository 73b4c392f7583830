"""The web interface: one picture in, faces out; the model; health and numbers; the page."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import fkd
from fkd.infer import photo_record
from fkd.landmarks import CONTOURS
from fkd.predictor import Predictor
from fkd.server.body import read_picture
from fkd.server.counts import Counts
from fkd.server.documents import LANDMARKS, REFUSED
from fkd.server.gate import Gate
from fkd.server.pictures import decode_sent
from fkd.server.refusal import Refusal
from fkd.server.settings import Settings
from fkd.server.stream import Streams
from fkd.server.worker import Worker

STATIC = Path(__file__).parent / "static"
# The page loads nothing from elsewhere and nobody frames it.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"
)


# What answers before the whole body was read; the rest of it is not waited for.
UNREAD = (408, 413)
NOT_POST = ["GET", "HEAD", "PUT", "PATCH", "DELETE"]


def create_app(predictors: Mapping[str, Predictor], settings: Settings) -> FastAPI:
    """The server for some models by name; the first is the default."""
    worker, counts = Worker(settings.queue), Counts()
    default = next(iter(predictors))

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(
        title="fkd",
        version=fkd.__version__,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        description="68 facial keypoints of the faces in a picture. Nothing sent is kept.",
    )
    if settings.allow_origin:
        app.add_middleware(
            CORSMiddleware, allow_origins=[settings.allow_origin], allow_methods=["GET", "POST"]
        )
    _answer_errors(app)

    @app.middleware("http")
    async def counted(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        counts.requests.labels(path, str(response.status_code)).inc()
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def predictor_of(model: str) -> Predictor:
        if model not in predictors:
            raise Refusal(422, f"model {model[:40]!r} is not one of {', '.join(predictors)}")
        return predictors[model]

    @app.post("/v1/landmarks", openapi_extra=LANDMARKS, responses=REFUSED)
    async def landmarks(request: Request, model: str = default) -> dict[str, Any]:
        """The faces of a picture: the same JSON as `fkd infer --json` gives."""
        predictor, started = predictor_of(model), time.monotonic()
        data = await read_picture(request, settings.max_bytes, settings.seconds)
        left = max(0.01, settings.seconds - (time.monotonic() - started))

        def work() -> dict[str, Any]:
            begun = time.perf_counter()
            image = decode_sent(data, settings.max_pixels)
            decoded = 1000 * (time.perf_counter() - begun)
            analysis = predictor.analyse(image)
            analysis.milliseconds["decode"] = round(decoded, 3)
            return photo_record("body", image, analysis, model, "onnx")

        record = await worker.run(work, left)
        counts.seen(len(record["faces"]), record["milliseconds"])
        return record

    # Otherwise the page's files, which stand at "/", answer 404 to it.
    @app.api_route("/v1/landmarks", methods=NOT_POST, include_in_schema=False)
    async def not_posted() -> None:
        raise HTTPException(405, "pictures are posted here", {"Allow": "POST"})

    @app.get("/v1/model", responses=REFUSED)
    async def model(model: str = default) -> dict[str, Any]:
        """What a model is, what it scores and its licence (`notice`: where that is not the code's);
        the names of all models, and the lines through the points that draw a face."""
        info = predictor_of(model).info
        own = {"name": model, "notice": info.notice, **info.to_dict()}
        return {"models": list(predictors), "contours": CONTOURS, **own}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counts and times in Prometheus' text format."""
        return Response(counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    streams = Streams(settings, worker, counts)

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket, model: str = default, smooth: bool = True) -> None:
        await streams.serve(socket, predictors.get(model), smooth)

    app.mount("/", StaticFiles(directory=STATIC, html=True))
    app.add_middleware(Gate, settings=settings)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error as {"error": reason}."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
        if refusal.status in UNREAD:
            headers["Connection"] = "close"
        return JSONResponse({"error": refusal.reason}, refusal.status, headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "the server failed; its operator can see why"}, 500)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return JSONResponse({"error": reasons}, 422)
