"""Which weeks a run learns from, chooses on, calibrates on and is measured on, in this order of time."""

from collections.abc import Sequence

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import WindowSettings
from retail_forecast.registry.record import Span, Windows

__all__ = ["split_weeks"]

_LEAST_LEARN_WEEKS = 3


def split_weeks(
    present: Sequence[int],
    settings: WindowSettings,
    *,
    train_from: int | None = None,
    train_to: int | None = None,
    test_from: int | None = None,
    test_to: int | None = None,
) -> Windows:
    """Split the weeks that are present into train | validation | calibration | test.

    Without any bound the last `settings.test_weeks` are the test window. With bounds, the test window is what lies
    after `train_to` (from `test_from` on); when nothing does, there is none. Where fewer than 16 weeks are there to
    learn from, validation and calibration take a quarter of them each, so that training keeps the larger part.

    Raises
    ------
    UsageError : the bounds overlap, or leave too few weeks
    """
    weeks = sorted(set(present))
    if train_to is not None and test_from is not None and test_from <= train_to:
        raise UsageError(
            f"the test window starts in {test_from}, in or before the last training week {train_to}",
            where="--test-from-week",
            mend="start the test window after --train-to-week: a model must not be measured on weeks it learned from",
        )
    if train_to is None and test_from is None:
        test_from = _last_weeks_from([w for w in weeks if test_to is None or w <= test_to], settings)
    learn = [
        w for w in weeks if (train_from or 0) <= w and (w <= train_to if train_to is not None else w < (test_from or 0))
    ]
    test = [
        w for w in weeks if w > max(learn, default=0) and w >= (test_from or 0) and (test_to is None or w <= test_to)
    ]
    return _parted(learn, test, len(weeks), settings)


def _parted(learn: Sequence[int], test: Sequence[int], present: int, settings: WindowSettings) -> Windows:
    """`learn` split for fitting, choosing and calibrating, and `test` after it, of so many weeks that are `present`."""
    if len(learn) < _LEAST_LEARN_WEEKS:
        raise UsageError(
            f"{len(learn)} of {present} weeks are left to learn from; the least is {_LEAST_LEARN_WEEKS}",
            where="windows",
            mend="ingest more weeks, or shorten the test window (windows.test_weeks, --test-from-week)",
        )
    quarter = max(1, len(learn) // 4)
    calibration = min(settings.calibration_weeks, quarter)
    validation = min(settings.validation_weeks, quarter)
    return Windows(
        train=Span.of(learn[: len(learn) - validation - calibration]),
        validation=Span.of(learn[len(learn) - validation - calibration : len(learn) - calibration]),
        calibration=Span.of(learn[len(learn) - calibration :]),
        test=Span.of(test) if test else None,
    )


def _last_weeks_from(weeks: Sequence[int], settings: WindowSettings) -> int:
    """First of the last test weeks; of a third of the weeks, when the lake holds few."""
    count = min(settings.test_weeks, max(1, len(weeks) // 3))
    return weeks[-count] if weeks else 0
