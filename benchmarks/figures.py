"""Train every model on a set of till files and print the figures; of given files, write them into the README's table.

    .venv/bin/python benchmarks/figures.py --source 'DIR/*.csv.gz'

Without a source, simulated weeks are measured and nothing is written. The last 13 weeks are the test window; nothing is
learned from them.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("retail-forecast")
MARKS = re.compile(r"(?<=<!-- figures:begin -->\n).*?(?=<!-- figures:end -->)", re.DOTALL)
TRAININGS = (("basket", "xgboost"), ("basket", "logistic"), ("coarse", "xgboost"), ("flat", "xgboost"))
NAMES = {
    "basket": "products of the basket",
    "coarse": "groups, prices and store; no product codes",
    "flat": "the specification's nine columns",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="till files, a glob; simulated ones when not given")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source or verb(folder, "simulate")["out"]
        ingested = verb(folder, "ingest", source)
        runs = [verb(folder, "train", "--task", task, "--model", model) for task, model in TRAININGS]
    if arguments.source:
        text = arguments.readme.read_text(encoding="utf-8")
        arguments.readme.write_text(MARKS.sub(lambda _: table(ingested, runs), text), encoding="utf-8")
    print(table(ingested, runs))


def verb(workspace: str, *words: str) -> dict[str, Any]:
    """Document of a verb of the command line."""
    done = subprocess.run(
        [str(COMMAND), *words, "--workspace", workspace, "--json"], stdout=subprocess.PIPE, text=True, check=True
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def table(ingested: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    first = runs[0]
    start, end = first["windows"]["test"]
    lines = [
        f"{ingested['rows_read']:,} lines, {ingested['baskets']:,} baskets; {first['train_baskets']:,} learned from, "
        f"{first['test_baskets']:,} of weeks {start} to {end} measured, over LA, MM and UM; intervals are 95 %, "
        "bootstrap by customer.",
        "",
        "| what the model looks at | model | accuracy | macro F1 | precision LA / MM / UM | ECE |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| nothing (always MM) | - | {first['baselines']['always_mm']['accuracy']:.4f} | "
        f"{first['baselines']['always_mm']['macro_f1']:.4f} | | |",
    ]
    lines += [row(run) for run in reversed(runs)]
    return "\n".join(lines) + "\n"


def row(run: dict[str, Any]) -> str:
    """One model's line of the table."""
    metrics, intervals = run["metrics"], run["intervals"]
    spans = [
        f"{metrics[name]:.4f} ({intervals[name][0]:.4f}-{intervals[name][1]:.4f})" for name in ("accuracy", "macro_f1")
    ]
    precision = " / ".join(f"{value:.3f}" for value in metrics["precision"].values())
    return f"| {NAMES[run['task']]} | {run['model']} | {spans[0]} | {spans[1]} | {precision} | {metrics['ece']:.4f} |"


if __name__ == "__main__":
    main()
