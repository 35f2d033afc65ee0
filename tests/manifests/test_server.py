"""What the manifests assume of the server, asked of a running one."""

from pathlib import Path
from typing import Any

import httpx
import psutil

from retail_forecast.domain.settings import Settings
from retail_forecast_server.process import _GRACE_S, serving

DRAIN_S = 10
PROBES = ("/healthz", "/readyz")
MIB = 2**20


def test_the_server_drains_as_fast_as_the_manifests_assume() -> None:
    assert _GRACE_S <= DRAIN_S


def test_probes_answer_and_an_idle_server_lies_well_below_the_target(
    tiny_bundle: tuple[Path, str], objects: list[dict[str, Any]]
) -> None:
    with serving(bundle=tiny_bundle[0]) as url:
        assert [httpx.get(url + probe).status_code for probe in PROBES] == [200, 200]
        assert httpx.get(url + "/readyz").json()["model_version"] == tiny_bundle[0].name  # the batch job asks for it
        main = psutil.Process(httpx.get(url + "/healthz").json()["pid"]).parent()
        assert main is not None
        idle = sum(process.memory_info().rss for process in (main, *main.children(recursive=True))) / MIB
    (deployment,) = [o for o in objects if o["kind"] == "Deployment"]
    (box,) = deployment["spec"]["template"]["spec"]["containers"]
    (scaler,) = [o for o in objects if o["kind"] == "HorizontalPodAutoscaler"]
    (share,) = [
        m["containerResource"]["target"]["averageUtilization"]
        for m in scaler["spec"]["metrics"]
        if m["containerResource"]["name"] == "memory"
    ]
    target = int(box["resources"]["requests"]["memory"].removesuffix("Mi")) * share / 100
    assert 0 < idle < 0.75 * target


def test_each_variable_is_a_setting(objects: list[dict[str, Any]]) -> None:
    (settings,) = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "settings"]
    for name in settings["data"]:
        fields: Any = Settings.model_fields
        for part in name.removeprefix("RETAIL_FORECAST_").lower().split("__"):
            assert part in fields, name
            fields = getattr(fields[part].annotation, "model_fields", {})
