"""Metrics for Prometheus: requests, frames, faces, and the time of each step."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fkd.server.drift import FaceMetrics

BUCKETS_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "fkd_requests",
            "Requests by path and status",
            ["path", "status"],
            registry=self.registry,
        )
        self.frames = Counter(
            "fkd_frames",
            "Frames of live streams, answered or refused",
            ["fate"],
            registry=self.registry,
        )
        self.faces = Counter("fkd_faces", "Faces found", registry=self.registry)
        self.streams = Gauge("fkd_streams", "Open live streams", registry=self.registry)
        self.seconds = Histogram(
            "fkd_step_seconds",
            "Time of each step",
            ["step"],
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )
        self.measures = FaceMetrics(self.registry)

    def observe(self, faces: int, milliseconds: Mapping[str, float]) -> None:
        """Add a picture's number of faces and its time by step."""
        self.faces.inc(faces)
        for step, spent in milliseconds.items():
            self.seconds.labels(step).observe(spent / 1000)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
