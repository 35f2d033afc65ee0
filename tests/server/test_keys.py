"""API keys: known by digest, scoped, and changed while the server runs."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast_server.keys import ADMIN, PREDICT, Keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import MakeClient

BODY = {"lines": [{"prod_code": "PRD0000001", "quantity": 1, "spend_gbp": 1.0}]}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _file(folder: Path, text: str) -> Path:
    file = folder / "keys.txt"
    file.write_text(text, "utf-8")
    return file


def test_scopes_stand_beside_the_digest(tmp_path: Path) -> None:
    lines = (f"{_digest('till')} predict window", "", f"{_digest('boss')} predict,admin", f"{_digest('ops')} admin # x")
    keys = Keys((_digest("old"),), _file(tmp_path, "\n".join(("# ours", *lines))))
    assert keys
    assert keys.scopes(b"till") == {PREDICT}
    assert keys.scopes(b"boss") == {PREDICT, ADMIN}
    assert keys.scopes(b"ops") == {ADMIN}
    assert keys.scopes(b"old") == {PREDICT}
    assert keys.scopes(b"nobody") == keys.scopes(b"") == frozenset()


def test_an_empty_file_lets_nobody_in(tmp_path: Path) -> None:
    assert Keys(file=_file(tmp_path, ""))
    assert not Keys()


@pytest.mark.parametrize("line", ["abc predict", "0" * 64, f"{'0' * 64} everything", f"{'A' * 64} predict", "secret"])
def test_a_line_that_does_not_fit_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        Keys(file=_file(tmp_path, f"\n{line}\n"))
    assert caught.value.where.endswith("keys.txt:2")
    assert line not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Keys(file=tmp_path / "none")


def test_keys_change_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    file = _file(tmp_path, f"{_digest('one')} predict\n")
    keys = Keys(file=file)

    def rewritten(text: str) -> None:
        beside = tmp_path / "new"
        beside.write_text(text, "utf-8")
        beside.replace(file)
        now[0] += 2

    rewritten(f"{_digest('two')} predict\n")
    assert not keys.scopes(b"one")
    assert keys.scopes(b"two") == {PREDICT}
    rewritten("not a line")
    assert keys.scopes(b"two") == {PREDICT}, "what fitted last stays in force"
    rewritten(f"{_digest('one')} admin\n")
    assert keys.scopes(b"one") == {ADMIN}
    assert not keys.scopes(b"two")


@pytest.mark.parametrize(
    ("key", "predict", "reload"), [("till", 200, 403), ("boss", 200, 200), ("ops", 403, 200), ("none", 401, 401)]
)
def test_each_route_asks_for_its_scope(
    make_client: MakeClient, tmp_path: Path, key: str, predict: int, reload: int
) -> None:
    scopes = {"till": "predict", "boss": "predict,admin", "ops": "admin"}
    file = _file(tmp_path, "".join(f"{_digest(name)} {scope}\n" for name, scope in scopes.items()))
    client = make_client(api_keys=file)
    assert client.predict(BODY, ("X-API-Key", key)).status == predict
    assert client.ask("POST", "/admin/reload", headers=[("X-API-Key", key)]).status == reload


def test_where_others_are_trusted_to_predict_nobody_is_admin(make_client: MakeClient) -> None:
    client = make_client(trusted_network=True)
    assert client.predict(BODY).status == 200
    assert client.ask("POST", "/admin/reload").status == 403
    assert make_client().ask("POST", "/admin/reload").status == 200


def test_pages_of_other_origins_are_let_in_by_name_only(make_client: MakeClient) -> None:
    ours = ("Origin", "https://shop.example")
    client = make_client(cors_origins=("https://shop.example",), api_key_sha256=(_digest("k"),))
    asked = client.ask("OPTIONS", "/v1/predict", headers=[ours, ("Access-Control-Request-Method", "POST")])
    assert asked.status == 204
    assert "x-api-key" in asked.headers["access-control-allow-headers"]
    answered = client.predict(BODY, ours, ("X-API-Key", "k"))
    assert answered.headers["access-control-allow-origin"] == ours[1]
    for headers in ((("Origin", "https://other.example"),), ()):
        assert "access-control-allow-origin" not in client.predict(BODY, ("X-API-Key", "k"), *headers).headers
        assert client.ask("OPTIONS", "/v1/predict", headers=headers).status == 401
    assert make_client().ask("OPTIONS", "/v1/predict", headers=[ours]).status == 405
