"""Writes the parts of aws/README.md that follow from code: picture, cost, permissions.

python aws/script/readme.py                                  picture and permissions
python aws/script/readme.py --dev PLAN.json --prod PLAN.json the cost as well (terraform show -json of a plan each)
python aws/script/readme.py --check                          ends with 1 when picture or permissions are not current
"""

import argparse
import re
import sys
from pathlib import Path

from retail_forecast.clouds.aws.checks import permissions
from retail_forecast.pipeline.cloud import cost_of

HOME = Path(__file__).parents[1]
README = HOME / "README.md"
SHOWN_USD = 0.5


def picture() -> str:
    """Modules of the ground with what each holds, and who takes what from whom, as Mermaid."""
    text = (HOME / "infra/main.tf").read_text("utf-8")
    blocks = dict(re.findall(r'^module "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))
    lines = ["```mermaid", "flowchart LR"]
    for name in blocks:
        files = sorted((HOME / "infra/modules" / name).glob("*.tf"))
        kinds = {
            kind for file in files for kind in re.findall(r'^resource "aws_([a-z0-9]+)', file.read_text("utf-8"), re.M)
        }
        lines.append(f'    {name}["{name}<br>{", ".join(sorted(kinds))}"]')
    for name, block in blocks.items():
        lines += [f"    {other} --> {name}" for other in sorted(set(re.findall(r"module\.(\w+)", block)) - {name})]
    return "\n".join([*lines, "```"])


def actions() -> str:
    """The permissions as a table."""
    rows = [f"| `{service}` | {', '.join(names)} |" for service, names in permissions().items()]
    return "\n".join(["| service | actions |", "| --- | --- |", *rows])


def cost(plans: dict[str, Path]) -> str:
    """A table of the resources that cost most, the sums, and what switches save."""
    found = {profile: cost_of(HOME, plan) for profile, plan in plans.items()}
    groups: dict[str, dict[str, float]] = {}
    for profile, (estimate, _) in found.items():
        for charge in estimate.charges:
            group = groups.setdefault(charge.what.split("[")[0].removesuffix(".this"), dict.fromkeys(plans, 0.0))
            group[profile] += charge.usd_month
    rows = sorted(groups.items(), key=lambda item: -max(item[1].values()))
    shown = [row for row in rows if max(row[1].values()) >= SHOWN_USD]
    rest = {p: sum(usd[p] for name, usd in rows if (name, usd) not in shown) for p in plans}
    sums = {p: estimate.usd_month for p, (estimate, _) in found.items()}
    idle = {p: estimate.idle_usd_month for p, (estimate, _) in found.items()}
    table = [*shown, ("less than that", rest), ("**a month**", sums), ("of it, when nobody asks anything", idle)]
    lines = [f"| USD a month | {' | '.join(plans)} |", "| --- |" + " ---: |" * len(plans)]
    lines += [f"| {name} | {' | '.join(f'{usd[p]:.2f}' for p in plans)} |" for name, usd in table]
    lines += ["", f"Prices of {found['dev'][0].prices_of}. What each switch still saves:", ""]
    lines += [f"| switch | {' | '.join(plans)} |", "| --- |" + " ---: |" * len(plans)]
    switches = {
        s: {p: saved.get(s, 0.0) for p, (_, saved) in found.items()} for _, saved in found.values() for s in saved
    }
    for name, usd in sorted(switches.items(), key=lambda item: -max(item[1].values())):
        lines.append(f"| `{name}` | {' | '.join(f'{usd[p]:.2f}' for p in plans)} |")
    return "\n".join(lines)


def replaced(text: str, part: str, content: str) -> str:
    """`text` with the part between its marks replaced."""
    marks = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    before, found, after = text.partition(marks[0])
    if not found or marks[1] not in after:
        raise SystemExit(f"{README} has no marks for {part}")
    return f"{before}{marks[0]}\n{content}\n{marks[1]}{after.partition(marks[1])[2]}"


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--prod", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    text = README.read_text("utf-8")
    fresh = replaced(replaced(text, "picture", picture()), "permissions", actions())
    if given.dev and given.prod:
        fresh = replaced(fresh, "cost", cost({"dev": given.dev, "prod": given.prod}))
    if given.check:
        return int(fresh != text)
    README.write_text(fresh, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
