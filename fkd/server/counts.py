"""What Prometheus reads: requests, faces, and how long each step took. No contents."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Counts:
    """One server's numbers."""

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
            "Frames of live streams by what became of them",
            ["fate"],
            registry=self.registry,
        )
        self.faces = Counter("fkd_faces", "Faces found", registry=self.registry)
        self.streams = Gauge("fkd_streams", "Open live streams", registry=self.registry)
        self.seconds = Histogram(
            "fkd_step_seconds",
            "Time of each step",
            ["step"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def seen(self, faces: int, milliseconds: dict[str, float]) -> None:
        """One picture's faces and times."""
        self.faces.inc(faces)
        for step, taken in milliseconds.items():
            self.seconds.labels(step).observe(taken / 1000)

    def text(self) -> bytes:
        """All numbers in Prometheus' text format."""
        return generate_latest(self.registry)
