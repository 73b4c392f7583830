"""The live stream: JPEG frames in, faces out; frames that come too fast are dropped."""

import asyncio
import time
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from fkd.inference.face import Face
from fkd.inference.predictor import Predictor
from fkd.inference.records import JSON_SCHEMA
from fkd.inference.timing import StepTimer
from fkd.inference.tracker import Tracker
from fkd.server.errors import ApiError
from fkd.server.metrics import Metrics
from fkd.server.pictures import check_min_face, decode_upload
from fkd.server.settings import Settings
from fkd.server.worker import Worker

# Close codes of WebSockets.
POLICY_VIOLATION, INTERNAL_ERROR, TRY_AGAIN_LATER = 1008, 1011, 1013
# A stream that sends no frame is closed after so many seconds.
IDLE_SECONDS = 60.0


class _LatestFrame:
    """The newest frame that has arrived; one that was not taken is replaced by the next."""

    def __init__(self) -> None:
        self.frame: bytes | None = None
        self.number = 0
        self.dropped = 0
        self.closed = False
        self._changed = asyncio.Event()

    def put(self, frame: bytes) -> None:
        self.dropped += self.frame is not None
        self.frame, self.number = frame, self.number + 1
        self._changed.set()

    def close(self) -> None:
        self.closed = True
        self._changed.set()

    async def take(self) -> tuple[int, bytes] | None:
        """The newest frame and its number; None when no more will come."""
        await self._changed.wait()
        self._changed.clear()
        if self.closed or self.frame is None:
            return None
        frame, self.frame = self.frame, None
        return self.number, frame


class Streams:
    """All live streams of a server; each has its own tracker."""

    def __init__(self, settings: Settings, worker: Worker, metrics: Metrics) -> None:
        self.settings, self.worker, self.metrics = settings, worker, metrics
        self.open = 0

    async def serve(
        self,
        socket: WebSocket,
        model: str,
        predictor: Predictor | None,
        smooth: bool,
        min_face: int | None,
    ) -> None:
        """Answer the frames of one connection until it ends. model: its name. predictor: None
        refuses it, for an unknown model. min_face: smallest face searched for, pixels; None for the
        default search."""
        if predictor is None:
            await socket.close(POLICY_VIOLATION)
            return
        if self.open >= self.settings.streams:
            await socket.accept()
            await socket.close(TRY_AGAIN_LATER, "the server has too many streams")
            return
        self.open += 1
        self.metrics.streams.inc()
        try:
            await socket.accept()
            latest = _LatestFrame()
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(socket, latest))
                tracker = Tracker(predictor, smooth=smooth, min_face=min_face)
                await self._answer(socket, latest, model, tracker, min_face)
                reading.cancel()
        except* WebSocketDisconnect:
            pass  # the client left while it was sent something
        except* Exception:
            await socket.close(INTERNAL_ERROR, "internal server error; its log has details")
            raise  # to the log
        finally:
            self.open -= 1
            self.metrics.streams.dec()

    async def _read(self, socket: WebSocket, latest: _LatestFrame) -> None:
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                latest.put(message.get("bytes") or b"")
        finally:
            latest.close()

    async def _answer(
        self,
        socket: WebSocket,
        latest: _LatestFrame,
        model: str,
        tracker: Tracker,
        min_face: int | None,
    ) -> None:
        before, newest = time.monotonic(), 0
        while True:
            try:
                taken = await asyncio.wait_for(latest.take(), IDLE_SECONDS)
            except TimeoutError:
                await socket.close(TRY_AGAIN_LATER, f"no frame for {IDLE_SECONDS:g} seconds")
                return
            if taken is None:
                return
            number, frame = taken
            now = time.monotonic()
            try:
                answer, faces = await self._faces(frame, tracker, min_face, max(now - before, 1e-3))
                before = now
                self.metrics.frames.labels("answered").inc()
                # Each face once: it stays nearly the same through the frames.
                new = [face for face in faces if face.id is not None and face.id > newest]
                newest = max((face.id or 0 for face in new), default=newest)
                self.metrics.measures.observe(model, tracker.predictor.info.histograms, new)
            except ApiError as error:
                answer = {"error": error.reason}
                self.metrics.frames.labels("refused").inc()
            head = {"schema": JSON_SCHEMA, "frame": number, "dropped": latest.dropped}
            try:
                await socket.send_json({**head, **answer})
            except (WebSocketDisconnect, RuntimeError):
                return  # the client left

    async def _faces(
        self, frame: bytes, tracker: Tracker, min_face: int | None, seconds: float
    ) -> tuple[dict[str, Any], list[Face]]:
        """The faces of a frame that came `seconds` after the one before. Raises ApiError."""

        def work() -> tuple[dict[str, Any], list[Face]]:
            if not frame:
                raise ApiError(415, "a frame must be the bytes of a picture")
            if len(frame) > self.settings.max_bytes:
                raise ApiError(413, f"the frame is larger than {self.settings.max_bytes} bytes")
            timer = StepTimer()
            with timer.step("decode"):
                image = decode_upload(frame, self.settings.max_pixels).pixels
            check_min_face(min_face, image, tracker.predictor, self.settings.max_search_pixels)
            with timer.step("track"):
                faces = tracker(image, seconds)
            answer = {
                "width": image.shape[1],
                "height": image.shape[0],
                "faces": [face.to_dict() for face in faces],
                "detections_skipped": tracker.detections_skipped,
                "min_face": tracker.min_face,
                "milliseconds": timer.milliseconds,
            }
            return answer, faces

        answer, faces = await self.worker.run(work, self.settings.seconds)
        self.metrics.observe(len(faces), answer["milliseconds"])
        return answer, faces
