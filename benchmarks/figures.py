"""Train every model on a set of till files and print the figures; of given files, write them into the README's table.

    .venv/bin/python benchmarks/figures.py --source 'DIR/*.csv.gz'

Without a source, simulated weeks are measured and nothing is written. The last 13 weeks are the test window; nothing is
learned from them. The network is among the learners where PyTorch is installed (`make setup-torch`).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("retail-forecast")
MARKS = re.compile(r"(?<=<!-- figures:begin -->\n).*?(?=<!-- figures:end -->)", re.DOTALL)
NAMES = {
    "basket": "products of the basket",
    "coarse": "groups, prices and store; no product codes",
    "flat": "the specification's nine columns",
    "arrival": "what is known before the basket begins",
}
OTHER_WAYS = {
    "with_segments": "the same, with the segments of the customer file",
    "held_history": "the same, history not followed on after training",
    "likeliest": "the same, answered by the likeliest label",
}

Run = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="till files, a glob; simulated ones when not given")
    parser.add_argument("--workspace", help="where to work and leave runs and report; thrown away when not given")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    arguments = parser.parse_args()
    with nullcontext(arguments.workspace) if arguments.workspace else tempfile.TemporaryDirectory() as folder:
        source = arguments.source or verb(folder, "simulate")["out"]
        ingested = verb(folder, "ingest", source)
        runs = verb(folder, "train", "--model", "all", "--curve")["runs"]
        runs += [verb(folder, "train", "--task", task) for task in ("coarse", "flat", "arrival")]
    text = "\n".join((*table(ingested, runs), "", *curves(runs)))
    if arguments.source:
        readme = arguments.readme.read_text(encoding="utf-8")
        arguments.readme.write_text(MARKS.sub(lambda _: text + "\n", readme), encoding="utf-8")
    print(text)


def verb(workspace: str, *words: str) -> Run:
    """Document of a verb of the command line."""
    done = subprocess.run(
        [str(COMMAND), *words, "--workspace", workspace, "--json"], stdout=subprocess.PIPE, text=True, check=True
    )
    document: Run = json.loads(done.stdout)
    return document


def table(ingested: Run, runs: list[Run]) -> list[str]:
    """The figures as lines of Markdown."""
    first = runs[0]
    start, end = first["windows"]["test"]
    rows = []
    for run in sorted(runs, key=lambda run: run["metrics"]["macro_f1"]):
        rows.append(row(NAMES[run["task"]], run["model"], run["metrics"], run["intervals"]))
        ways = (way for way in OTHER_WAYS if run["task"] == "arrival" and way in run["baselines"])
        rows += [row(OTHER_WAYS[way], run["model"], run["baselines"][way], {}) for way in ways]
    return [
        f"{ingested['rows_read']:,} lines, {ingested['baskets']:,} baskets; {first['train_baskets']:,} learned from, "
        f"{first['test_baskets']:,} of weeks {start} to {end} measured, over LA, MM and UM; intervals are 95 %, "
        "bootstrap by customer. Prices: how far the pricing error lies below the best rule without a model "
        f"({first['metrics']['pricing_baseline']['rule']}); of a finished basket an upper bound.",
        "",
        "| what the model looks at | model | accuracy | macro F1 | precision LA / MM / UM | ECE | prices |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| nothing (always MM) | - | {first['baselines']['always_mm']['accuracy']:.4f} | "
        f"{first['baselines']['always_mm']['macro_f1']:.4f} | | | |",
        *rows,
    ]


def row(name: str, model: str, metrics: Run, intervals: Run) -> str:
    """One line of the table; ways of one model to answer have no intervals of their own."""
    spans = [
        f"{metrics[figure]:.4f}"
        + (f" ({intervals[figure][0]:.4f}-{intervals[figure][1]:.4f})" if figure in intervals else "")
        for figure in ("accuracy", "macro_f1")
    ]
    precision = " / ".join(f"{value:.3f}" for value in metrics.get("precision", {}).values())
    ece = f"{metrics['ece']:.4f}" if "ece" in metrics else ""
    prices = f"{metrics['pricing_error_reduction']:.1%}" if "pricing_error_reduction" in metrics else ""
    return f"| {name} | {model} | {spans[0]} | {spans[1]} | {precision} | {ece} | {prices} |"


def curves(runs: list[Run]) -> list[str]:
    """Macro F1 of each learner after fewer weeks, as lines of Markdown."""
    learned = [run for run in runs if run["curve"]]
    weeks = [point["weeks"] for point in learned[0]["curve"]]
    lines = [
        "Macro F1 on the same test weeks after learning from fewer weeks before it (validation and calibration are of "
        "these weeks):",
        "",
        f"| weeks | {' | '.join(map(str, weeks))} |",
        f"| --- |{' --- |' * len(weeks)}",
    ]
    for run in learned:
        reached = (f"{point['macro_f1']:.4f}" for point in run["curve"])
        lines.append(f"| {run['model']} | {' | '.join(reached)} |")
    return lines


if __name__ == "__main__":
    main()
