"""Admission: files that can be read are judged as a whole before any of their rows count.

Whoever ingests may overrule a refusal by its code; what was overruled is part of the record.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import QualitySettings
from retail_forecast.lake.accounts import Acceptance, Refusal
from retail_forecast.lake.intake import Intake
from retail_forecast.lake.staging import Staged
from retail_forecast.lake.standards import ACCEPTABLE
from retail_forecast.lake.state import LakeState

__all__ = ["admit", "carried_columns", "check_acceptable"]


def check_acceptable(codes: Collection[str]) -> None:
    """Raise unless all `codes` name rules that may be overruled.

    Raises
    ------
    UsageError : names the codes that do not
    """
    unknown = sorted(set(codes).difference(ACCEPTABLE))
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} cannot be accepted",
            where="--accept",
            mend=f"name one of {', '.join(ACCEPTABLE)}; files refused under other codes cannot be read",
        )


def admit(taken: Intake, before: LakeState | None, limits: QualitySettings, accept: Collection[str]) -> Intake:
    """The intake without the files that rules of whole files refuse, unless their codes are among `accept`.

    A refused file takes its rows from the weeks that it shares with others, so that these are judged again. A file is
    refused once, for the first of its reasons.
    """
    staged, refused = taken.staged, list(taken.refused)
    while True:
        found = [*_faulty(staged, limits), *_shrinking(staged, before, limits), *_narrower(staged, before)]
        blocked = {finding.file: finding for finding in reversed(found) if finding.code not in accept}
        if not blocked:
            accepted = tuple(Acceptance(finding.file, finding.code, finding.reason) for finding in found)
            return replace(taken, staged=staged, refused=tuple(refused), accepted=accepted)
        refused += blocked.values()
        staged = tuple(source for source in staged if str(source.landed.origin) not in blocked)


def _faulty(staged: Sequence[Staged], limits: QualitySettings) -> Iterator[Refusal]:
    for source in staged:
        if source.faulty > limits.faulty_share * source.rows:
            reason = f"{source.faulty:,} of its {source.rows:,} rows are at fault by themselves"
            yield _refusal(source, "FAULTY_ROWS", reason, "export it again")


def _shrinking(staged: Sequence[Staged], before: LakeState | None, limits: QualitySettings) -> Iterator[Refusal]:
    brought: Counter[int] = Counter()
    for source in staged:
        brought.update(source.booked)
    for week, account in (before.weeks if before else {}).items():
        rows = account.rows_silver + account.rows_quarantined
        if week in brought and brought[week] < limits.replaced_share * rows:
            reason = f"it would replace the {rows:,} rows of week {week} by {brought[week]:,}"
            for source in staged:
                if week in source.weeks:
                    yield _refusal(source, "SHRUNK_WEEK", reason, "deliver the whole week")


def carried_columns(staged: Sequence[Staged], before: LakeState | None) -> dict[str, int]:
    """The columns beside the contract's that are expected from now on, and the first week that has them.

    A column that an accepted file lacks is expected no longer.
    """
    found = dict(before.columns) if before else {}
    for source in staged:
        for name in _lacking(source, before):
            found.pop(name, None)
    for source in staged:
        for name in source.added:
            weeks = [*source.weeks, *([found[name]] if name in found else [])]
            found |= {name: min(weeks)} if weeks else {}
    return dict(sorted(found.items()))


def _narrower(staged: Sequence[Staged], before: LakeState | None) -> Iterator[Refusal]:
    for source in staged:
        lacking = _lacking(source, before)
        if lacking:
            reason = f"it lacks columns that earlier weeks have: {', '.join(lacking)}"
            yield _refusal(source, "REMOVED_COLUMN", reason, "export it with them")


def _lacking(source: Staged, before: LakeState | None) -> list[str]:
    newest = max(source.weeks, default=0)
    known = before.columns if before else {}
    return [name for name, first in known.items() if first <= newest and name not in source.added]


def _refusal(source: Staged, code: str, reason: str, mend: str) -> Refusal:
    return Refusal(str(source.landed.origin), code, reason, f"{mend}, or take it as it is with --accept {code}")
