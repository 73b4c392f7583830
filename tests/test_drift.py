"""Drift: the index against a constructed answer and chance, what is told of a change, and where
the histograms travel."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ASTRONAUT, PROJECT
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.datasets.saving import save_faces
from fkd.evaluation.scoring import face_crops, mean_shape
from fkd.evaluation.validation import validation_histograms
from fkd.geometry.crop import CropSpec
from fkd.inference.drift import ANGLES, MEASURES, drifts_of, measures_of, table, verdict
from fkd.inference.face import Face
from fkd.models.histograms import (
    Histogram,
    chance_index,
    histogram_of,
    histograms_from,
    stability_index,
    stored_histograms,
)
from fkd.models.output import ModelOutput
from fkd.models.session import open_onnx
from fkd.models.zoo import PACKAGED
from fkd.server.drift import LEAST, FaceMetrics
from fkd.server.metrics import Metrics
from tools.validation_histograms import main as give_histograms

SQUARE = np.random.default_rng(0).uniform(0, 100, (68, 2)).astype(np.float32)


def face(score: float = 0.9, size: float = 100.0, certainty: float = 1.0) -> Face:
    confidence = np.full(68, 0.5, np.float32)
    box = (0, 0, 10, 10)
    return Face(SQUARE * np.float32(size / 100), box, score, confidence, certainty=certainty)


def validated_on(scores: np.ndarray) -> dict[str, Histogram]:
    return {"score": histogram_of(scores, MEASURES["score"].edges)}


def test_a_value_on_an_edge_belongs_to_the_bin_below_as_in_prometheus():
    assert histogram_of([0.5, 1.0, 1.5, 2.0, 9.0], (1.0, 2.0)).counts == (2, 2, 1)


def test_quartiles_are_those_of_the_values():
    values = np.random.default_rng(0).normal(0, 20, 20_000)
    histogram = histogram_of(values, ANGLES)
    for q in (0.25, 0.5, 0.75):
        assert histogram.quantile(q) == pytest.approx(np.quantile(values, q), abs=0.7)


def test_beyond_the_outermost_edges_a_quantile_is_the_edge():
    assert Histogram((1.0, 2.0), (9, 0, 0)).quantile(0.5) == 1.0
    assert Histogram((1.0, 2.0), (0, 0, 9)).quantile(0.5) == 2.0


def test_the_index_of_a_constructed_case_is_the_sum_by_hand():
    """Fractions of 3/4 and 1/4 against 1/4 and 3/4, of so many values that the added halves do not
    matter: 2 * (1/2) * ln 3."""
    found, other = Histogram((0.0,), (3_000_000, 1_000_000)), Histogram((0.0,), (10**6, 3 * 10**6))
    assert stability_index(found, other) == pytest.approx(np.log(3), rel=1e-5)
    assert stability_index(found, found) == 0


def test_five_percent_of_draws_from_one_distribution_exceed_what_chance_allows():
    rng = np.random.default_rng(0)
    fractions = [0.05, 0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.05]
    edges = tuple(float(edge) for edge in range(7))
    beyond = 0
    for _ in range(4000):
        found, other = (
            Histogram(edges, tuple(rng.multinomial(n, fractions).tolist())) for n in (200, 600)
        )
        beyond += stability_index(found, other) > chance_index(found, other)
    assert 0.035 < beyond / 4000 < 0.065


def test_the_score_is_that_of_the_network_whichever_detector_found_the_face():
    assert measures_of(face(score=0.45, certainty=0.5))["score"] == pytest.approx(0.9)


def test_the_neural_detectors_certainty_is_taken_out_again():
    (found,) = Predictor("nano", detector="neural", threads=1)(ASTRONAUT)
    boxed = Predictor("nano", threads=1)
    grey = boxed.analyse(ASTRONAUT, [found.box]).faces[0]
    assert found.certainty < 1 and found.roll == 0
    assert measures_of(found)["score"] == pytest.approx(grey.score, abs=1e-5)


def test_what_differs_is_said_with_the_middle_halves():
    rng = np.random.default_rng(0)
    validation = {
        "face_size": histogram_of(rng.uniform(100, 120, 900), MEASURES["face_size"].edges)
    }
    measured = [{"face_size": size} for size in rng.uniform(34, 46, 300)]
    (told,) = verdict(drifts_of(measured, validation))
    assert told.startswith("Face size is lower: half of the faces lie between 36 and 44 pixels")


@pytest.mark.parametrize(
    ("spread", "middle", "word"), [(3, 0, "less"), (40, 0, "more"), (15, 60, "higher")]
)
def test_a_narrower_wider_or_moved_spread_has_its_own_word(spread, middle, word):
    rng = np.random.default_rng(0)
    validation = {"yaw": histogram_of(rng.normal(0, 15, 2000), ANGLES)}
    measured = [{"yaw": yaw} for yaw in rng.normal(middle, spread, 2000)]
    assert word in verdict(drifts_of(measured, validation))[0]


def test_a_median_that_is_rounded_to_zero_has_no_sign():
    validation = {"yaw": Histogram((-1.0, 0.5), (1, 98, 1))}  # of which half lies below -0.25
    assert table(drifts_of([{"yaw": -0.1}], validation))[1].split()[-2:] == ["0", "0"]


def test_faces_of_the_same_kind_are_said_to_be_alike_and_few_to_be_too_few():
    rng = np.random.default_rng(0)
    validation = validated_on(rng.uniform(0.5, 1, 2000))
    alike = [{"score": score} for score in rng.uniform(0.5, 1, 1000)]
    assert verdict(drifts_of(alike, validation)) == [
        "The faces are like the model's validation faces."
    ]
    assert verdict(drifts_of(alike[:3], validation)) == [
        "More faces are needed to tell the rest from chance."
    ]


def test_histograms_survive_json_and_damaged_ones_are_refused():
    histograms = {"yaw": histogram_of([1.0, 2.0], ANGLES)}
    stored = json.loads(json.dumps(stored_histograms(histograms)))
    assert histograms_from(stored) == histograms
    for edges, counts in [
        ([], [1]),
        ([1.0], [1]),
        ([2.0, 1.0], [1, 1, 1]),
        ([1.0], [1, -1]),
        ([1.0], [1, 0.5]),
        ([float("nan")], [1, 1]),
        ([float(i) for i in range(1000)], [0] * 1001),
    ]:
        with pytest.raises(ValueError, match="histogram"):
            histograms_from({"yaw": {"edges": edges, "counts": counts}})


def test_validation_histograms_leave_out_what_would_not_be_found(faces):
    spec = CropSpec(96)
    shape = mean_shape(faces, spec)
    scores = np.linspace(0, 0.95, len(faces), dtype=np.float32)

    def model(pixels):
        count = len(pixels)
        points = np.broadcast_to(shape, (count, 68, 2))
        return ModelOutput(points, np.full((count, 68), 0.75, np.float32), scores[:count])

    found = validation_histograms(faces, model, spec, min_score=0.5)
    assert found["score"].total == (scores >= 0.5).sum() == found["face_size"].total
    assert found["confidence"].counts[7] == found["confidence"].total and "yaw" not in found


def test_the_gauge_is_of_the_latest_faces_and_begins_anew_with_another_model():
    registry, rng = CollectorRegistry(), np.random.default_rng(0)
    metrics, validation = FaceMetrics(registry), validated_on(rng.uniform(0.5, 1, 1000))

    def gauge() -> float | None:
        labels = {"model": "base", "measure": "score"}
        return registry.get_sample_value("fkd_face_drift", labels)

    metrics.observe("base", validation, [face(score) for score in rng.uniform(0.5, 1, LEAST - 1)])
    assert gauge() is None
    metrics.observe("base", validation, [face()])
    alike = gauge()
    assert alike is not None and alike < 0.25
    metrics.observe("base", validation, [face(0.1)] * 1000)
    apart = gauge()
    expected = stability_index(
        histogram_of([0.1] * 1000, MEASURES["score"].edges), validation["score"]
    )
    assert apart == pytest.approx(expected) and apart > 1
    metrics.observe("base", validated_on(rng.uniform(0, 1, 1000)), [])
    assert gauge() is None


def test_a_model_without_histograms_has_no_gauge_but_is_counted():
    registry = CollectorRegistry()
    FaceMetrics(registry).observe("base", {}, [face()] * 200)
    text = generate_latest(registry).decode()
    assert 'fkd_face_size_pixels_count{model="base"} 200.0' in text
    assert 'fkd_face_score_bucket{le="0.9",model="base"} 200.0' in text
    assert "fkd_face_drift{" not in text and "fkd_face_validation_fraction{" not in text


@pytest.fixture
def with_histograms(tmp_path) -> Path:
    """`nano` with the histograms of faces that are all of one size, in its file."""
    stored, histograms = onnx.load(PACKAGED["nano"]), {"face_size": [24.0] * 500}
    made = {name: histogram_of(of, MEASURES[name].edges) for name, of in histograms.items()}
    metadata = {prop.key: prop.value for prop in stored.metadata_props}
    metadata["histograms"] = json.dumps(stored_histograms(made))
    onnx.helper.set_model_props(stored, metadata)
    onnx.save(stored, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_the_command_compares_photos_with_the_file(with_histograms, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(6):
        shutil.copy(ASTRONAUT, photos / f"{i}.png")
    asked = ["drift", str(photos), "--model", str(with_histograms), "--threads", "1"]
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert told["faces"] == 6 and told["measures"].keys() == {"face_size"}
    assert told["measures"]["face_size"]["differs"]
    text = CliRunner().invoke(app, asked).stdout
    assert "Face size is higher: half of the faces lie between" in text


def test_a_packaged_file_takes_histograms_stays_small_and_answers_as_before(
    faces, tmp_path, monkeypatch
):
    model, prepared = tmp_path / "nano.onnx", tmp_path / "val"
    shutil.copy(PACKAGED["nano"], model)
    save_faces(faces, prepared)
    monkeypatch.setattr("sys.argv", ["validation_histograms", str(model), str(prepared)])
    give_histograms()
    (before, info), (after, told) = open_onnx(PACKAGED["nano"]), open_onnx(model)
    pixels = face_crops(faces, info.crop)
    for was, now in zip(before(pixels), after(pixels), strict=True):
        np.testing.assert_array_equal(was, now)
    assert told == dataclasses.replace(info, histograms=told.histograms)
    assert set(told.histograms) == set(MEASURES)
    accepted = int((before(pixels).score >= info.min_score).sum())
    assert {one.total for one in told.histograms.values()} == {accepted} and accepted > 15
    # Counts of many faces are longer numbers: the room for them must be there too.
    many = sum(len(str(one.counts)) for one in told.histograms.values())
    assert model.stat().st_size + 4 * many < 1_500_000


def test_the_command_says_that_a_model_has_no_histograms(monkeypatch):
    no_histograms = dataclasses.replace(Predictor("nano").info, histograms={})
    monkeypatch.setattr(
        Predictor, "info", property(lambda _: no_histograms, lambda *_: None), raising=False
    )
    done = CliRunner().invoke(app, ["drift", str(ASTRONAUT), "--model", "nano"])
    assert done.exit_code == 2 and "nano: has no histograms" in done.stderr


def test_the_dashboard_shows_what_the_server_measures():
    """Every metric in the expressions is one that a server with a compared model has."""
    metrics, rng = Metrics(), np.random.default_rng(0)
    validation = validated_on(rng.uniform(0.5, 1, 1000))
    metrics.measures.observe("base", validation, [face()] * LEAST)
    there = set(re.findall(r"^(fkd_\w+)", metrics.text().decode(), re.MULTILINE))
    there |= {f"{name}_total" for name in ("fkd_requests", "fkd_frames")}
    there |= {"fkd_step_seconds_bucket"}
    there |= {f"fkd_face_{axis}_degrees_bucket" for axis in ("yaw", "pitch", "roll")}
    dashboard = (PROJECT / "deploy/grafana-dashboard.json").read_text()
    named = set(re.findall(r"fkd_\w+", dashboard))
    assert {"fkd_face_drift", "fkd_face_score_bucket", "fkd_requests_total"} <= named
    assert named <= there
