"""The server against its own OpenAPI description: generated requests, a real picture, examples."""

import cv2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fkd import Predictor
from fkd.server.app import create_app
from fkd.server.schemas import LANDMARKS_EXAMPLE, LandmarksSchema
from fkd.server.settings import Settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def description():
    app = create_app({"base": Predictor()}, Settings(hosts=("*",)))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def test_answers_to_generated_requests_are_as_described(description):
    seen = set()
    for found in description.get_all_operations():

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=found.ok().as_strategy())
        def ask(case):
            response = case.call_and_validate(checks=CHECKS)
            seen.add((case.operation.path, response.status_code))

        ask()
    assert {path for path, _ in seen} == {"/v1/landmarks", "/v1/model", "/healthz", "/metrics"}
    assert {("/v1/model", status) for status in (200, 422)} <= seen
    assert {("/v1/landmarks", status) for status in (415, 422)} <= seen


def test_the_answer_to_a_picture_is_as_described(description, astronaut):
    case = description["/v1/landmarks"]["POST"].Case(
        body=cv2.imencode(".png", astronaut)[1].tobytes(), media_type="image/png"
    )
    response = case.call_and_validate(checks=CHECKS)
    assert response.status_code == 200 and len(response.json()["faces"][0]["points"]) == 68


def test_the_example_of_an_answer_fits_its_schema():
    LandmarksSchema.model_validate(LANDMARKS_EXAMPLE)
