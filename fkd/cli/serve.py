"""`fkd serve`: the web page and interface."""

from typing import Annotated

import typer

from fkd.cli.app import ThreadsOption, app, fail, open_predictor


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Packaged model or .onnx file; repeatable, the first is the default."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Host name that requests may be for; repeatable, * allows all."),
    ] = None,
    allow_origin: Annotated[
        str | None,
        typer.Option(help="Origin of a site whose pages may use the server: https://example.org."),
    ] = None,
    threads: ThreadsOption = 0,
) -> None:
    """Serve a page for live video, and POST /v1/landmarks for pictures."""
    from contextlib import suppress
    from pathlib import Path

    from fkd.models.zoo import PACKAGED

    try:
        import uvicorn

        from fkd.server.app import create_app
        from fkd.server.run import can_open, descriptors_needed, uvicorn_config
        from fkd.server.settings import Settings
    except ModuleNotFoundError as error:
        fail(f"serve: {error.name} is not installed; pip install 'fkd[serve]'")
    names = {name: name if name in PACKAGED else Path(name).stem for name in model or PACKAGED}
    if len(set(names.values())) < len(names):
        fail(
            f"--model: two models have the name {max(names.values(), key=[*names.values()].count)}"
        )
    predictors = {names[name]: open_predictor(name, threads=threads) for name in names}
    address = f"[{host}]" if ":" in host else host
    hosts = (*Settings.hosts, address, *(allow_host or []))
    settings = Settings(hosts=hosts, allow_origin=allow_origin)
    needed = descriptors_needed(settings)
    if not can_open(needed):
        fail(f"serve: {needed} file descriptors must be free; raise the limit with ulimit -n")
    print(f"fkd: http://{address}:{port}, stop with Ctrl-C", flush=True)
    config = uvicorn_config(create_app(predictors, settings), settings, host, port)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has stopped
        uvicorn.Server(config).run()
