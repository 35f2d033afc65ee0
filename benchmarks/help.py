"""What `retail-forecast --help` costs beside a bare start of Python; prints medians and their ratio (12 is the limit).

.venv/bin/python benchmarks/help.py
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15


def main() -> None:
    program = str(Path(sys.executable).with_name("retail-forecast"))
    commands = {"bare": [sys.executable, "-c", "pass"], "help": [program, "--help"]}
    rounds = [{name: seconds(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    bare, shown = (statistics.median(one[name] for one in rounds) for name in commands)
    print(json.dumps({"bare_s": round(bare, 4), "help_s": round(shown, 4), "times": round(shown / bare, 2)}))


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
