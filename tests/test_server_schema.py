"""Requests made up from the server's own OpenAPI description."""

import schemathesis
from hypothesis import HealthCheck, given, settings

from fkd import Predictor
from fkd.server.app import create_app
from fkd.server.settings import Settings


def test_no_made_up_request_brings_the_server_down():
    app = create_app({"base": Predictor()}, Settings(hosts=("*",)))
    description = schemathesis.openapi.from_asgi("/openapi.json", app)
    seen = set()
    for found in description.get_all_operations():
        operation = found.ok()

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case):
            response = case.call()
            assert response.status_code < 500, response.text
            seen.add((case.operation.path, response.status_code))

        ask()
    assert {path for path, _ in seen} == {"/v1/landmarks", "/v1/model", "/healthz", "/metrics"}
    assert {("/v1/model", 200), ("/v1/model", 422), ("/v1/landmarks", 415)} <= seen
