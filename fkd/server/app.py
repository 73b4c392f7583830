"""The web interface: faces of a picture, the model, health, metrics, the live stream, the page."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

import fkd
from fkd.inference.face import Face
from fkd.inference.predictor import STEPS, Predictor
from fkd.inference.records import photo_record
from fkd.inference.timing import StepTimer
from fkd.landmarks import CONTOURS
from fkd.server.body import Bodies
from fkd.server.errors import ApiError, add_error_handlers
from fkd.server.metrics import Metrics
from fkd.server.origin_check import OriginCheck
from fkd.server.pictures import check_min_face, decode_upload
from fkd.server.root_path import RootPath
from fkd.server.schemas import (
    LANDMARKS_OK,
    METRICS_OK,
    PICTURE_BODY,
    HealthSchema,
    LandmarksSchema,
    ModelSchema,
    errors,
)
from fkd.server.settings import Settings
from fkd.server.site import add_page, content_policy
from fkd.server.stream import Streams
from fkd.server.worker import Worker

ModelName = Annotated[str, Query(description="Name of one of the server's models")]
MinFace = Annotated[
    int | None,
    Query(
        ge=1,
        le=100_000,
        description="Smallest face to search for, pixels of the picture, taken as the smallest "
        "that the detector knows where it is less (neural: 8, haar: 24); at least 26 or 76 in one "
        "of 40 megapixels. Without it, smaller ones are searched for until one is found",
    ),
]
NOT_POST = ["GET", "HEAD", "PUT", "PATCH", "DELETE"]


def create_app(predictors: Mapping[str, Predictor], settings: Settings) -> FastAPI:
    """The server for some models by name; the first is the default. Another predictor may take the
    place of one while it serves."""
    worker, bodies, metrics = Worker(settings.queue), Bodies(settings), Metrics()
    default = next(iter(predictors))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(worker.close)

    app = FastAPI(
        title="fkd",
        version=fkd.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        description="68 facial keypoints of the faces in a picture. Pictures are not stored.",
    )
    if settings.allow_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[settings.allow_origin.lower()],  # as browsers send it
            allow_methods=["GET", "POST"],
        )
    add_error_handlers(app)

    @app.middleware("http")
    async def count_request(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        metrics.requests.labels(path, str(response.status_code)).inc()
        asked = request.scope["path"].removeprefix(settings.root_path)
        response.headers["Content-Security-Policy"] = content_policy(asked)
        # Files may be others after an upgrade: a browser asks whether they are.
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def predictor_of(model: str) -> Predictor:
        if model not in predictors:
            raise ApiError(422, f"model {model[:40]!r} is not one of {', '.join(predictors)}")
        return predictors[model]

    @app.post(
        "/v1/landmarks",
        response_model=LandmarksSchema,
        response_description="The faces, highest score first; the example shows two of 68 points",
        responses=LANDMARKS_OK | errors(400, 403, 408, 413, 415, 422, 503, 504),
        openapi_extra=PICTURE_BODY,
    )
    async def landmarks(
        request: Request, model: ModelName = default, min_face: MinFace = None
    ) -> dict[str, Any]:
        """The faces of a picture: the same JSON as `fkd infer --json` gives."""
        predictor, started = predictor_of(model), time.monotonic()

        def work(data: bytes) -> tuple[dict[str, Any], list[Face]]:
            timer = StepTimer(*STEPS)
            with timer.step("decode"):
                picture = decode_upload(data, settings.max_pixels)
            check_min_face(min_face, picture.pixels, predictor, settings.max_search_pixels)
            analysis = predictor.analyse(picture.pixels, timer=timer, min_face=min_face)
            answered = predictor.version or model
            record = photo_record("body", picture, analysis, answered, "onnx")
            return record, analysis.faces

        async with bodies.picture(request) as data:
            seconds_left = max(0.01, settings.seconds - (time.monotonic() - started))
            record, faces = await worker.run(partial(work, data), seconds_left)
        metrics.observe(len(faces), record["milliseconds"])
        metrics.measures.observe(model, predictor.info.histograms, faces)
        return record

    # Without this route, the page's files, which are mounted at "/", would answer 404.
    @app.api_route("/v1/landmarks", methods=NOT_POST, include_in_schema=False)
    async def landmarks_not_post() -> None:
        raise HTTPException(405, "only POST is allowed here", {"Allow": "POST"})

    @app.get(
        "/v1/model",
        response_model=ModelSchema,
        response_description="The model",
        responses=errors(400, 422),
    )
    async def model(model: ModelName = default) -> dict[str, Any]:
        """What a model is, its scores and its licence (`notice`: where that is not the code's);
        the names of all models, and the lines through the points that draw a face."""
        predictor = predictor_of(model)
        info = predictor.info
        own = {"name": model, "version": predictor.version, "notice": info.licence_notice}
        own |= info.to_dict()
        return {"models": list(predictors), "contours": CONTOURS, **own}

    @app.get(
        "/healthz",
        response_model=HealthSchema,
        response_description="It answers",
        responses=errors(400),
    )
    async def healthz() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    @app.get(
        "/metrics",
        response_class=Response,
        response_description="The metrics",
        responses=METRICS_OK | errors(400),
    )
    async def metrics_text() -> Response:
        """Counts and times in Prometheus' text format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    streams = Streams(settings, worker, metrics)

    @app.websocket("/v1/stream")
    async def stream(
        socket: WebSocket, model: str = default, smooth: bool = True, min_face: MinFace = None
    ) -> None:
        await streams.serve(socket, model, predictors.get(model), smooth, min_face)

    add_page(app)
    if settings.root_path:
        app.add_middleware(RootPath, root_path=settings.root_path)
    app.add_middleware(OriginCheck, settings=settings)
    return app
