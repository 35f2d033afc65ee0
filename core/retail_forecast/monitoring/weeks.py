"""Weeks as they come in: gaps between them, their volume, and how far their baskets have shifted.

Nothing here refuses anything. Each week is compared with the weeks before it, whenever it came.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, median

from retail_forecast.domain.calendar import missing_weeks
from retail_forecast.domain.settings import QualitySettings
from retail_forecast.lake.profiles import PROFILED, Profile
from retail_forecast.monitoring.drift import stability_index

__all__ = ["FEWEST_WEEKS", "Remark", "Shift", "remarks", "shifts"]

FEWEST_WEEKS = 4
"""Fewer trailing weeks than a month's tell nothing of what is usual."""

_MISFITS = {
    "CUSTOMER_SEGMENT": "{:,} customers have other segments than when they came last",
    "XX_PRODUCTS": "{:,} baskets are not XX, though all their products stand in XX baskets",
}

_RARE = NormalDist().inv_cdf(0.999)  # small weeks of unchanged baskets would else be remarked upon all the time


@dataclass(frozen=True, slots=True)
class Remark:
    """Something remarkable of a week: the rule's code, the week, and what was found."""

    code: str
    week: int
    what: str


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a column of a week lies from the trailing weeks.

    Attributes
    ----------
    index : population stability index
    noise : what the index of as many unchanged baskets stays below in 999 of 1,000 weeks
    """

    index: float
    noise: float


def shifts(profiles: Mapping[int, Profile], limits: QualitySettings) -> dict[int, dict[str, Shift]]:
    """The shift of every column of each week that has `FEWEST_WEEKS` profiled weeks before it.

    The index of unchanged baskets is about (1/n + 1/m) times a chi-squared with one degree of freedom less than there
    are values (Yurdakul, 2018, "Statistical Properties of Population Stability Index").
    """
    weeks = sorted(profiles)
    found = {}
    for place, week in enumerate(weeks):
        trailing = [profiles[w] for w in weeks[max(0, place - limits.trailing_weeks) : place]]
        if len(trailing) >= FEWEST_WEEKS:
            found[week] = {name: _shift(trailing, profiles[week], name) for name in PROFILED}
    return found


def remarks(
    rows: Mapping[int, int],
    written: Collection[int],
    new: Collection[int],
    columns: Collection[str],
    misfits: Mapping[str, Mapping[str, int]],
    shifted: Mapping[int, Mapping[str, Shift]],
    limits: QualitySettings,
) -> tuple[Remark, ...]:
    """What is remarkable of the weeks that were written, by week.

    Parameters
    ----------
    rows : rows of every week that is present, in quarantine or not
    written : the weeks that were written
    new : those of them that were not present before
    columns : columns beside the contract's that are new
    misfits : by rule and week, how many do not keep it, as JSON has it
    shifted : `shifts` of the weeks
    limits : from where on something is remarkable
    """
    added = [Remark("NEW_COLUMN", min(written), f"{name} is carried in silver, as text") for name in columns]
    counted = ((code, week, count) for code, weeks in misfits.items() for week, count in weeks.items())
    odd = [Remark(code, int(week), _MISFITS[code].format(count)) for code, week, count in counted]
    found = [*added, *odd, *_gaps(rows, new), *_volumes(rows, written, limits), *_shifts(shifted, written, limits)]
    return tuple(sorted(found, key=lambda remark: (remark.week, remark.code, remark.what)))


def _shift(trailing: Sequence[Profile], profile: Profile, name: str) -> Shift:
    reference: Counter[str] = Counter()
    for one in trailing:
        reference.update(one[name])
    current = profile[name]
    degrees = len({*reference, *current}) - 1
    spread = 1 / reference.total() + 1 / sum(current.values())
    noise = spread * _rare_chi_squared(degrees) if degrees else 0.0
    return Shift(stability_index(reference, current), noise)


def _rare_chi_squared(degrees: int) -> float:
    """What a chi-squared variable exceeds once in a thousand times, to 3 % (Wilson and Hilferty, 1931); the library
    that has it exactly would take a tenth of a weekly ingest to import.
    """
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + _RARE * sqrt(part)) ** 3)


def _gaps(rows: Mapping[int, int], new: Collection[int]) -> Iterator[Remark]:
    known = set(missing_weeks([week for week in rows if week not in new]))
    for week in missing_weeks(rows):
        if week not in known:
            yield Remark("MISSING_WEEK", week, "no file came for it, but for later weeks")


def _volumes(rows: Mapping[int, int], written: Collection[int], limits: QualitySettings) -> Iterator[Remark]:
    weeks = sorted(rows)
    for place, week in enumerate(weeks):
        trailing = [rows[w] for w in weeks[max(0, place - limits.trailing_weeks) : place]]
        if week not in written or len(trailing) < FEWEST_WEEKS:
            continue
        usual = median(trailing)
        if not usual / limits.volume_factor <= rows[week] <= usual * limits.volume_factor:
            what = f"{rows[week]:,} rows, where the {len(trailing)} weeks before have {usual:,.0f} in the median"
            yield Remark("WEEK_VOLUME", week, what)


def _shifts(
    shifted: Mapping[int, Mapping[str, Shift]], written: Collection[int], limits: QualitySettings
) -> Iterator[Remark]:
    for week in sorted(shifted.keys() & set(written)):
        for name, shift in shifted[week].items():
            if shift.index >= max(limits.shift_index, shift.noise):
                yield Remark("WEEK_SHIFT", week, f"{name} shifted by a population stability index of {shift.index:.2f}")
