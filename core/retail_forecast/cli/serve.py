"""`retail-forecast serve`: answer predictions until stopped."""

from typing import Annotated

import typer

from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

__all__ = ["serve"]


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; elsewhere than 127.0.0.1 API keys are needed.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 = any free one.")] = None,
    bundle: Annotated[
        str | None, typer.Option(metavar="DIR|URI", help="Bundle to serve instead of the champion.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(metavar="URI", help="Place whose registry is followed instead of the workspace's.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Serve predictions of the champion until stopped.

    Prints one line when it answers. Without a champion the server runs, but is not ready and says why.
    """
    from functools import partial

    from retail_forecast.domain.settings import load_settings
    from retail_forecast_server.__main__ import say
    from retail_forecast_server.origin import origin_of
    from retail_forecast_server.process import serve as serve_here

    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(workspace, server=flags)
    origin = origin_of(workspace, bundle, registry, settings.registry.uri)
    serve_here(settings.server, origin, partial(say, json_output))
