"""`fkd serve`: the web page and interface."""

import re
from typing import Annotated, Any

import typer

from fkd.cli.app import DetectorOption, ThreadsOption, app, fail, open_predictor, say


def _checked_path(path: str) -> str:
    """The path as `Settings` wants it: no slash at its end."""
    path = path.rstrip("/")
    if path and not re.fullmatch(r"(/[\w.~-]+)+", path, re.ASCII):
        raise typer.BadParameter(f"{path!r} is not a path of letters, digits and .~_-: /faces")
    return path


def _name(model: str) -> str:
    """What requests call a model."""
    from pathlib import Path

    from fkd.models.registered import is_registered, registered_name
    from fkd.models.zoo import PACKAGED

    if is_registered(model):
        return registered_name(model)
    return model if model in PACKAGED else Path(model).stem


def _checked_hosts(hosts: list[str] | None) -> list[str] | None:
    for host in hosts or ():
        if "/" in host:
            raise typer.BadParameter(f"{host!r} is not the name of a host: faces.example.org")
    return hosts


def _checked_origin(origin: str | None) -> str | None:
    """The origin as browsers send it: no slash at its end."""
    origin = origin and origin.rstrip("/")
    if origin and not re.fullmatch(r"[\w+.-]+://[^/\s]+", origin, re.ASCII):
        raise typer.BadParameter(f"{origin!r} is not an origin: https://example.org")
    return origin


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Packaged model, .onnx file, or version of an MLflow registry, of which an alias "
            "such as models:/fkd@champion is followed; repeatable, the first is the default."
        ),
    ] = None,
    detector: DetectorOption = "neural",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            callback=_checked_hosts,
            help="Host name that requests may be for; repeatable, * allows all.",
        ),
    ] = None,
    allow_origin: Annotated[
        str | None,
        typer.Option(
            callback=_checked_origin,
            help="Origin of a site whose pages may use the server: https://example.org.",
        ),
    ] = None,
    root_path: Annotated[
        str,
        typer.Option(
            callback=_checked_path,
            help="Path below which a proxy shows the server: /faces; it may take it away.",
        ),
    ] = "",
    min_face: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Smallest face to search for, pixels, taken as 8 (haar: as 24) where it is less, "
            "where a request says none; by default smaller and smaller ones until one is found.",
        ),
    ] = None,
    threads: ThreadsOption = 0,
) -> None:
    """Serve a page for live video, and POST /v1/landmarks for pictures."""
    from contextlib import suppress
    from functools import partial
    from threading import Event, Thread

    from fkd.io.extras import install_hint
    from fkd.io.files import reason
    from fkd.models.registered import is_registered
    from fkd.models.zoo import PACKAGED

    try:
        import uvicorn

        from fkd.inference.predictor import Predictor
        from fkd.server.app import create_app
        from fkd.server.follow import follow
        from fkd.server.run import can_open, descriptors_needed, listen, uvicorn_config
        from fkd.server.settings import Settings
    except ModuleNotFoundError as error:
        fail(f"serve: {error.name} is not installed; {install_hint('serve')}")
    names = {name: _name(name) for name in model or PACKAGED}
    if len(set(names.values())) < len(names):
        fail(
            f"--model: two models have the name {max(names.values(), key=[*names.values()].count)}"
        )
    options: dict[str, Any] = {"detector": detector, "threads": threads, "min_face": min_face}
    predictors = {name: open_predictor(given, **options) for given, name in names.items()}
    followed = {name: given for given, name in names.items() if is_registered(given)}
    address = f"[{host}]" if ":" in host else host
    hosts = (*Settings.hosts, address, *(allow_host or []))
    settings = Settings(hosts=hosts, allow_origin=allow_origin, root_path=root_path)
    needed = descriptors_needed(settings)
    if not can_open(needed):
        fail(f"serve: {needed} file descriptors must be free; raise the limit with ulimit -n")
    try:
        listening = listen(host, port)
    except OSError as error:
        fail(f"{address}:{port}: cannot listen there ({reason(error)})")
    page = f"http://{address}:{listening.getsockname()[1]}{root_path and f'{root_path}/'}"
    print(f"fkd: {page}, stop with Ctrl-C", flush=True)
    server = uvicorn.Server(uvicorn_config(create_app(predictors, settings), settings))
    if followed:
        opened = partial(Predictor, **options)
        arguments = (predictors, followed, opened, lambda line: say(f"fkd: {line}"), Event())
        Thread(target=follow, args=arguments, daemon=True).start()
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has stopped
        server.run([listening])
