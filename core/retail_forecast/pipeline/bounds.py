"""Weeks of the lake that a verb is asked for by --from-week and --to-week."""

from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.state import LakeState

__all__ = ["weeks_between"]


def weeks_between(
    state: LakeState, first: int | None, last: int | None, mend: str = "choose weeks that are there"
) -> list[int]:
    """Weeks of `state` from `first` to `last`, both included; None bounds nothing.

    Parameters
    ----------
    mend : what to do when there is none

    Raises
    ------
    UsageError : there is none
    """
    weeks = [
        week for week in sorted(state.weeks) if (first is None or first <= week) and (last is None or week <= last)
    ]
    if not weeks:
        present = f"{min(state.weeks)} to {max(state.weeks)}" if state.weeks else "none"
        raise UsageError(
            f"no week from {first or 'the first'} to {last or 'the newest'} is in the lake, which holds {present}",
            where="--from-week, --to-week",
            mend=mend,
        )
    return weeks
