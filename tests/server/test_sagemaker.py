"""The contract of a SageMaker container: `serve`, GET /ping, POST /invocations on port 8080."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server import __main__
from retail_forecast_server.models import NoModel, Source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Client, MakeClient

BODY = {"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.0}]}


def test_invocations_answer_like_the_route_of_our_own(client: Client) -> None:
    assert client.predict(BODY, path="/invocations").body == client.predict(BODY).body
    assert client.predict([BODY], path="/invocations", query="task=flat").json[0]["task"] == "flat"
    assert client.predict({"lines": []}, path="/invocations").status == 422


def test_ping_is_healthy_when_a_model_is_loaded(client: Client, make_client: MakeClient) -> None:
    assert client.ask("GET", "/ping").status == 200
    assert make_client(NoModel("none")).ask("GET", "/ping").status == 503


def test_serve_takes_the_model_where_sagemaker_puts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[tuple[ServerSettings, Source]] = []
    monkeypatch.setattr(__main__, "serve", lambda settings, source, _announce: started.append((settings, source)))
    assert __main__.main(["serve", "--workspace", str(tmp_path)]) == 0
    ((settings, source),) = started
    assert (settings.host, settings.port, settings.trusted_network) == ("0.0.0.0", 8080, True)  # noqa: S104
    assert str(source.folder) == "/opt/ml/model"


def test_a_server_of_our_own_trusts_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[ServerSettings] = []
    monkeypatch.setattr(__main__, "serve", lambda settings, *_: started.append(settings))
    assert __main__.main(["--workspace", str(tmp_path)]) == 0
    assert not started[0].trusted_network


def test_any_other_word_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["train"])
    assert stopped.value.code == 2
    assert "serve" in capsys.readouterr().err
