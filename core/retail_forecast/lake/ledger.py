"""The ledger of one ingest: what went where, week by week, and that nothing was lost on the way."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from retail_forecast.domain.errors import DataError
from retail_forecast.lake.examples import Example, first_examples, join_examples
from retail_forecast.lake.misfits import unclassified_baskets
from retail_forecast.lake.profiles import Profile, profile
from retail_forecast.lake.refine import Refined
from retail_forecast.lake.rules import counts
from retail_forecast.lake.staging import Staged
from retail_forecast.lake.state import WeekAccount

__all__ = ["Ledger"]


class Ledger:
    """Counts what is written. Rows without a week stand under week 0.

    `examples` are the first rows that break each rule, `profiles` the distributions of each week's baskets,
    `unclassified` counts misfits among them.
    """

    def __init__(self) -> None:
        self.silver: Counter[int] = Counter()
        self.quarantined: Counter[int] = Counter()
        self.baskets: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, tuple[Example, ...]] = {}
        self.profiles: dict[int, Profile] = {}
        self.unclassified: Counter[int] = Counter()

    def enter(self, part: Refined) -> None:
        """Count the rows of a batch."""
        self.silver.update(_weekly(part.silver["SHOP_WEEK"]))
        self.baskets.update(_weekly(part.gold["shop_week"]))
        self.quarantined.update(_weekly(part.quarantine["shop_week"]))
        self.reasons.update(counts(part.faults))
        self.examples = join_examples(self.examples, first_examples(part.quarantine, part.faults))
        self.profiles |= profile(part.gold)
        self.unclassified.update(unclassified_baskets(part.gold))

    def add(self, other: "Ledger") -> None:
        """Count what another ledger has counted."""
        self.silver.update(other.silver)
        self.baskets.update(other.baskets)
        self.quarantined.update(other.quarantined)
        self.reasons.update(other.reasons)
        self.examples = join_examples(self.examples, other.examples)
        self.profiles |= other.profiles
        self.unclassified.update(other.unclassified)

    def check(self, rows_read: int) -> None:
        """Raise unless every row that was read went to silver or to quarantine.

        Raises
        ------
        DataError : rows are missing or doubled; nothing is published
        """
        written = self.silver.total() + self.quarantined.total()
        if written != rows_read:
            raise DataError(
                f"{rows_read} rows were read, but {written} would be published",
                where="ingest",
                mend="report this as a fault of retail-forecast; the lake is unchanged",
            )

    def weeks(self, staged: Sequence[Staged]) -> dict[int, WeekAccount]:
        """The account of every week that `staged` holds."""
        sources: dict[int, list[str]] = {}
        for source in staged:
            for week in source.weeks:
                sources.setdefault(week, []).append(source.landed.sha256)
        return {
            week: WeekAccount(tuple(digests), self.silver[week], self.quarantined[week], self.baskets[week])
            for week, digests in sorted(sources.items())
        }


def _weekly(weeks: pa.ChunkedArray) -> Mapping[int, int]:
    return {item["values"] or 0: item["counts"] for item in weeks.value_counts().to_pylist()}
