"""Metrics of the faces that are found: histograms, and how far the latest are from those that the
model was validated on."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fkd.inference.drift import MEASURES, drifts_of, measures_of
from fkd.inference.face import Face
from fkd.models.histograms import Histogram as Counts

# The latest faces of a model, which are compared; below the least of them there is no gauge.
LATEST, LEAST = 1000, 100


class FaceMetrics(Collector):
    """Of one server. Histograms since its start; and gauges, worked out when they are asked for, of
    the latest faces of each model whose file has the histograms of its validation faces."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._histograms = {
            name: Histogram(
                f"fkd_face_{name.removeprefix('face_')}",
                f"{measure.name} of the faces found",
                ["model"],
                unit=measure.unit,
                buckets=measure.edges,
                registry=registry,
            )
            for name, measure in MEASURES.items()
        }
        self._latest: dict[str, deque[dict[str, float]]] = {}
        self._validation: dict[str, Mapping[str, Counts]] = {}
        registry.register(self)

    def observe(self, model: str, validation: Mapping[str, Counts], faces: Sequence[Face]) -> None:
        """Add a model's faces. validation: the histograms in its file; with others, as of another
        version of the model, the comparison begins anew."""
        if validation != self._validation.get(model):
            self._validation[model], self._latest[model] = validation, deque(maxlen=LATEST)
        for face in faces:
            measured = measures_of(face)
            self._latest[model].append(measured)
            for name, value in measured.items():
                self._histograms[name].labels(model).observe(value)

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        yield self._drift()
        yield self._fractions()

    def _drift(self) -> Metric:
        gauge = GaugeMetricFamily(
            "fkd_face_drift",
            "Population stability index of the latest faces and the model's validation faces",
            labels=["model", "measure"],
        )
        for model, latest in self._latest.items():
            compared = drifts_of(latest, self._validation[model]) if len(latest) >= LEAST else []
            for drift in compared:
                gauge.add_metric([model, drift.measure], drift.index)
        return gauge

    def _fractions(self) -> Metric:
        gauge = GaugeMetricFamily(
            "fkd_face_validation_fraction",
            "Fraction of the model's validation faces up to a value",
            labels=["model", "measure", "le"],
        )
        for model, histograms in self._validation.items():
            for name, one in histograms.items():
                ends = [*map(str, one.edges), "+Inf"]
                for end, below in zip(ends, accumulate(one.counts), strict=True):
                    gauge.add_metric([model, name, end], below / max(1, one.total))
        return gauge
