"""The live stream: JPEG frames in, faces out, old frames dropped."""

import asyncio
import time
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from fkd.predictor import Predictor
from fkd.server.counts import Counts
from fkd.server.pictures import decode_sent
from fkd.server.refusal import Refusal
from fkd.server.settings import Settings
from fkd.server.worker import Worker
from fkd.track import Tracker

# Of RFC 6455: what the server will not do, and come back later.
POLICY, TRY_LATER = 1008, 1013
# A stream that sends nothing, or does not take its answers, is closed after so many seconds.
IDLE = 60.0


class _Latest:
    """The newest frame that has come; one that nobody took is replaced."""

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
    """All live connections of a server; each has a tracker of its own."""

    def __init__(self, settings: Settings, worker: Worker, counts: Counts) -> None:
        self.settings, self.worker, self.counts = settings, worker, counts
        self.open = 0

    async def serve(self, socket: WebSocket, predictor: Predictor | None, smooth: bool) -> None:
        """One connection, from its first frame to its last."""
        if predictor is None:
            await socket.close(POLICY)
            return
        if self.open >= self.settings.streams:
            await socket.accept()
            await socket.close(TRY_LATER, "the server has as many streams as it allows")
            return
        self.open += 1
        self.counts.streams.inc()
        try:
            await socket.accept()
            latest = _Latest()
            reading = asyncio.create_task(self._read(socket, latest))
            try:
                await self._answer(socket, latest, Tracker(predictor, smooth=smooth))
            finally:
                reading.cancel()
        finally:
            self.open -= 1
            self.counts.streams.dec()

    async def _read(self, socket: WebSocket, latest: _Latest) -> None:
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                latest.put(message.get("bytes") or b"")
        finally:
            latest.close()

    async def _answer(self, socket: WebSocket, latest: _Latest, tracker: Tracker) -> None:
        before = time.monotonic()
        while True:
            try:
                taken = await asyncio.wait_for(latest.take(), IDLE)
            except TimeoutError:
                await socket.close(TRY_LATER, "no frame came for a minute")
                return
            if taken is None:
                return
            number, frame = taken
            now = time.monotonic()
            try:
                answer = await self._faces(frame, tracker, max(now - before, 1e-3))
                before = now
                self.counts.frames.labels("answered").inc()
            except Refusal as refusal:
                answer = {"error": refusal.reason}
                self.counts.frames.labels("refused").inc()
            told = {"frame": number, "dropped": latest.dropped, **answer}
            try:
                await asyncio.wait_for(socket.send_json(told), IDLE)
            except (TimeoutError, WebSocketDisconnect, RuntimeError):
                return  # the other side left, or does not listen

    async def _faces(self, frame: bytes, tracker: Tracker, seconds: float) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if not frame:
                raise Refusal(415, "a frame is the bytes of a picture")
            if len(frame) > self.settings.max_bytes:
                raise Refusal(413, f"the frame is larger than {self.settings.max_bytes} bytes")
            begun = time.perf_counter()
            image = decode_sent(frame, self.settings.max_pixels)
            decoded = time.perf_counter()
            faces = tracker(image, seconds)
            tracked = time.perf_counter()
            times = {"decode": decoded - begun, "track": tracked - decoded}
            return {
                "width": image.shape[1],
                "height": image.shape[0],
                "faces": [face.to_dict() for face in faces],
                "milliseconds": {key: round(1000 * value, 3) for key, value in times.items()},
            }

        answer = await self.worker.run(work, self.settings.seconds)
        self.counts.seen(len(answer["faces"]), answer["milliseconds"])
        return answer
