"""What the jobs run are verbs that exist, with options that exist."""

import re
import shlex
from typing import Any

import pytest

from retail_forecast.cli.main import VERBS, application

COMMAND = re.compile(r"retail-forecast ([^|>\n]+)")


def commands(objects: list[dict[str, Any]]) -> list[list[str]]:
    """The words of each call of the command in the jobs."""
    found = []
    for job in (o for o in objects if o["kind"] == "CronJob"):
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        for box in [*pod.get("initContainers", []), *pod["containers"]]:
            direct = box["command"][0] == "retail-forecast"
            text = shlex.join(box["command"]) if direct else "\n".join(box["args"])
            found += [shlex.split(words) for words in COMMAND.findall(text)]
    return found


def faults(words: list[str]) -> list[str]:
    """What of a call the command line would refuse."""
    if words[0] not in VERBS:
        return [words[0]]
    known = {name for option in application().commands[words[0]].params for name in option.opts}
    return [word for word in words[1:] if word.startswith("--") and word not in known]


def test_the_jobs_call_what_exists(objects: list[dict[str, Any]]) -> None:
    called = commands(objects)
    assert [words[0] for words in called] == ["predict", "ingest", "train", "promote"]
    assert [faults(words) for words in called] == [[]] * len(called)


@pytest.mark.parametrize("words", [["ingestt", "x"], ["ingest", "x", "--jsn"]])
def test_what_does_not_exist_is_found(words: list[str]) -> None:
    assert faults(words)
