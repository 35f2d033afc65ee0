"""aws/README.md says what the code says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from retail_forecast.cli.main import application
from retail_forecast.clouds.aws.place import priced

HOME = Path(__file__).parents[2] / "aws"
README = (HOME / "README.md").read_text("utf-8")


def test_picture_and_permissions_are_current() -> None:
    command = [sys.executable, str(HOME / "script/readme.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run `python aws/script/readme.py`"


def test_the_cost_is_current(plans: dict[str, dict[str, Any]]) -> None:
    sums = [f"{priced(HOME, plans[profile])[0].usd_month:.2f}" for profile in ("dev", "prod")]
    assert f"| **a month** | {' | '.join(sums)} |" in README, "run `python aws/script/readme.py --dev PLAN --prod PLAN`"


def test_the_commands_exist() -> None:
    group: Any = application().commands["cloud"]
    called = re.findall(r"^retail-forecast cloud (\w+)(.*?)(?:#.*)?$", README, re.MULTILINE)
    assert {verb for verb, _ in called} >= {"doctor", "plan", "up", "status", "down"}
    for verb, rest in called:
        known = {name for option in group.commands[verb].params for name in option.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_the_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (HOME / link).exists()] == []
