"""`python -m retail_forecast_server`: the server without the command line's libraries, as its container runs it.

It takes the same options as `retail-forecast serve` and prints the same line when it answers.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from retail_forecast.clouds.container import container_here
from retail_forecast.domain.errors import RetailForecastError
from retail_forecast.domain.settings import load_settings
from retail_forecast_server.origin import origin_of
from retail_forecast_server.process import serve
from retail_forecast_server.worker import Announcement

__all__ = ["main", "say"]


_SAGEMAKER = {"host": "0.0.0.0", "port": 8080, "trusted_network": True}  # noqa: S104 - only SageMaker reaches it


def main(argv: list[str]) -> int:
    """Serve until stopped; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        given = {"host": options.host, "port": options.port}
        flags: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if options.private:
            flags |= {"api_key_sha256": (), "api_keys": None, "tls_cert": None, "tls_key": None}
        if options.serve:
            flags = _SAGEMAKER | flags
            options.bundle = options.bundle or (None if options.registry else str(container_here().model))
        settings = load_settings(options.workspace, server=flags)
        origin = origin_of(settings.workspace, options.bundle, options.registry, settings.registry.uri)
        serve(settings.server, origin, partial(say, options.json))
    except RetailForecastError as error:
        told = {"what": error.what, "where": error.where, "mend": error.mend, "exit_code": error.exit_code}
        if options.json:
            _write({"error": told})
        else:
            sys.stderr.write(f"Error: {error}\nTry: {error.mend}\n")
        return error.exit_code
    return 0


def say(json_output: bool, announcement: Announcement) -> None:
    """Print the line that says where the server answers."""
    if json_output:
        _write(announcement)
        return
    state = f"model {announcement.model_version}" if announcement.ready else f"not ready: {announcement.reason}"
    sys.stdout.write(f"Serving at {announcement.url} ({state}), documentation at {announcement.url}/docs\n")
    sys.stdout.flush()


def _write(document: object) -> None:
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="retail_forecast_server", description="Serve predictions until stopped.")
    parser.add_argument(
        "serve", nargs="?", choices=["serve"], help="as SageMaker asks: the bundle in /opt/ml/model on port 8080"
    )
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="0 = any free one")
    parser.add_argument("--bundle", metavar="DIR|URI", help="bundle to serve instead of the champion")
    parser.add_argument("--registry", metavar="URI", help="place whose registry is followed instead of the workspace's")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="folder that holds the champion")
    parser.add_argument("--private", action="store_true", help="no keys and no TLS, for the program that starts it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
