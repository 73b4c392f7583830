"""The three models in the package, as users choose them."""

import json
import warnings

import numpy as np
import pytest
from conftest import ASTRONAUT
from typer.testing import CliRunner

from fkd import Predictor
from fkd.cli import app
from fkd.model_info import MODELS, PACKAGED, find_model
from fkd.onnx_model import open_onnx

# File size in MB, parameters apart: the promises of README.
LARGEST = {"base": 9.0, "nano": 1.5, "research": 9.0}
DRAWN_ONLY = {"base": True, "nano": True, "research": False}


@pytest.fixture(scope="module")
def predictors() -> dict[str, Predictor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return {name: Predictor(name) for name in PACKAGED}


def test_all_models_agree_where_the_astronauts_face_is(predictors, astronaut):
    points = {}
    for name, predictor in predictors.items():
        (face,) = predictor(astronaut)
        assert face.score > 0.9 and face.confidence.shape == (68,)
        points[name] = face.points
    eyes = np.linalg.norm(points["base"][36] - points["base"][45])
    for name in ("nano", "research"):
        off = np.linalg.norm(points[name] - points["base"], axis=-1).mean() / eyes
        assert off < 0.05, name


@pytest.mark.parametrize("name", PACKAGED)
def test_a_models_file_keeps_its_promises_of_size_and_licence(name):
    assert find_model(name).stat().st_size < 1e6 * LARGEST[name]
    info = open_onnx(find_model(name))[1]
    drawn_only = info.about["trained_on"] == info.about["drawn"]
    assert drawn_only == DRAWN_ONLY[name] and (info.notice is None) == drawn_only
    assert info.about["weights_licence"] == "MIT" or "research use only" in info.notice


@pytest.mark.parametrize("name", PACKAGED)
def test_a_models_card_has_the_scores_that_its_file_has(name):
    card = (MODELS / f"{name}.md").read_text()
    scores = open_onnx(find_model(name))[1].scores
    for test_set in ("300w", "youtube-faces", "youtube-faces-official"):
        of = scores[test_set]
        cell = f"{of['annotation']['nme']:.2f} / {of['detector']['nme']:.2f}"
        assert cell in card, (test_set, cell)


@pytest.mark.parametrize("name", PACKAGED)
def test_info_shows_scores_data_and_licence(name):
    shown = CliRunner().invoke(app, ["info", name])
    assert shown.exit_code == 0
    for word in ("weights licence", "trained on", "score      300w", "score      youtube-faces"):
        assert word in shown.output, word


def test_the_research_licence_is_said_when_that_model_is_chosen_and_no_other_has_one(tmp_path):
    for name, drawn_only in DRAWN_ONLY.items():
        done = CliRunner().invoke(app, ["infer", str(ASTRONAUT), "--json", "--model", name])
        assert done.exit_code == 0 and len(json.loads(done.stdout)["faces"]) == 1
        assert ("research use only" in done.stderr) != drawn_only
    with pytest.warns(UserWarning, match="research use only"):
        Predictor("research")
