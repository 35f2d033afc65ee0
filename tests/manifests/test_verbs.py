"""What the jobs run are verbs that exist, with options that exist."""

import re
import shlex
from typing import Any

import pytest

from retail_forecast.cli.main import VERBS, application

COMMAND = re.compile(r"retail-forecast ([^|>;\n]+)")


def commands(objects: list[dict[str, Any]]) -> list[list[str]]:
    """The words of each call of the command in the pods."""
    found = []
    for o in objects:
        if o["kind"] in ("CronJob", "Deployment"):
            spec = o["spec"]["jobTemplate"]["spec"] if o["kind"] == "CronJob" else o["spec"]
            pod = spec["template"]["spec"]
            for box in [*pod.get("initContainers", []), *pod["containers"]]:
                found += calls(box)
    return found


def calls(box: dict[str, Any]) -> list[list[str]]:
    command = box.get("command", [])
    text = shlex.join(command) if command[:1] == ["retail-forecast"] else "\n".join(map(str, box.get("args", [])))
    return [shlex.split(words) for words in COMMAND.findall(text)]


def faults(words: list[str]) -> list[str]:
    """What of a call the command line would refuse."""
    if words[0] not in VERBS:
        return [words[0]]
    verb: Any = application().commands[words[0]]
    if hasattr(verb, "commands"):
        if words[1] not in verb.commands:
            return [words[1]]
        verb = verb.commands[words[1]]
    known = {name for option in verb.params for name in option.opts}
    return [word for word in words[1:] if word.startswith("--") and word not in known]


def test_the_pods_call_what_exists(objects: list[dict[str, Any]]) -> None:
    called = commands(objects)
    servers, jobs = ["predictions"] * 2, ["predict", "predictions", "ingest", "features", "quality", "train", "promote"]
    assert [words[0] for words in called] == servers + jobs
    assert [faults(words) for words in called] == [[]] * len(called)


@pytest.mark.parametrize("words", [["ingestt", "x"], ["ingest", "x", "--jsn"], ["predictions", "burn"]])
def test_what_does_not_exist_is_found(words: list[str]) -> None:
    assert faults(words)
