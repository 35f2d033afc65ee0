"""Stands in for kubectl, helm and the AWS command line, of which no cluster is to be had: it takes the words that ours
send and no others, renders manifests by the real kubectl, and keeps the revisions of the server.

An image whose digest begins with `bad` never becomes ready. State and words lie in the folder `$FAKE`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

FOLDER = Path(os.environ["FAKE"])
STATE = FOLDER / "state.json"
SERVER = ["deployment/server", "--namespace", "retail-forecast"]
TIME = r"--timeout=\d+s"


def main(program: str, words: list[str]) -> None:
    with (FOLDER / "words.log").open("a") as log:
        log.write(json.dumps([program, *words]) + "\n")
    state = json.loads(STATE.read_text()) if STATE.exists() else {"revisions": [], "charts": {}}
    if program != "aws" and not Path(os.environ["KUBECONFIG"]).is_file():
        refuse("no kubeconfig")
    if program == "aws":
        aws(words)
    else:
        {"helm": helm, "kubectl": kubectl}[program](words, state)
    STATE.write_text(json.dumps(state))


def aws(words: list[str]) -> None:
    if words[:3] != ["eks", "update-kubeconfig", "--name"] or words[4] != "--region" or len(words) != 6:
        refuse(f"unknown words {words}")
    Path(os.environ["KUBECONFIG"]).write_text(json.dumps({"cluster": words[3]}))


def helm(words: list[str], state: dict[str, Any]) -> None:
    if words[:2] != ["upgrade", "--install"] or "--wait" not in words or len(words) < 4:
        refuse(f"unknown words {words}")
    options = dict(zip(words[4::2], words[5::2], strict=False))
    if not {"--repo", "--version", "--namespace"} <= set(options):
        refuse("a chart needs a repository, a version and a namespace")
    state["charts"][words[2]] = options["--version"]


def kubectl(words: list[str], state: dict[str, Any]) -> None:
    if words[:2] == ["apply", "-k"] and len(words) == 3:
        shown = subprocess.run([os.environ["REAL_KUBECTL"], "kustomize", words[2]], capture_output=True, check=True)
        found = re.findall(r"image: \S+/server@sha256:(\w+)", shown.stdout.decode())
        if len(set(found)) != 1:
            refuse(f"images of the server: {found}")
        if state["revisions"][-1:] != found[:1]:
            state["revisions"].append(found[0])
    elif words[:2] == ["rollout", "status"] and words[2:5] == SERVER and re.fullmatch(TIME, words[5]):
        if state["revisions"][-1].startswith("bad"):
            refuse("error: deployment exceeded its progress deadline")
    elif words == ["rollout", "undo", *SERVER]:
        if len(state["revisions"]) < 2:
            refuse("error: no rollout history found for deployment")
        state["revisions"].append(state["revisions"][-2])
    else:
        refuse(f"unknown words {words}")


def refuse(why: str) -> NoReturn:
    sys.stderr.write(why + "\n")
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
