"""What was known when: the history of customers and stores, joined to the baskets that the task `arrival` is about."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Bundle
from retail_forecast.domain.calendar import week_at, week_ordinal
from retail_forecast.domain.settings import Settings
from retail_forecast.features.history import join_history, learned_past, past_of
from retail_forecast.kernel.arrival import History
from retail_forecast.kernel.lines import concatenate
from retail_forecast.kernel.products import ProductTable
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.workspace import lake_path
from retail_forecast.registry.record import Windows

__all__ = ["Known", "known_of", "known_to"]


@dataclass(frozen=True, slots=True)
class Known:
    """Baskets with what was known of each before it began.

    Attributes
    ----------
    gold : the baskets
    history : what is known at the end of the last week learned from
    products : table by which the lines of baskets after the training window are read
    """

    gold: Labelled
    history: History
    products: ProductTable


def known_of(gold: Labelled, windows: Windows, settings: Settings) -> Known:
    """What a model that learns from `windows` may know of the baskets of `gold`; product leanings are those of the
    training window."""
    train = settings.train
    counted = gold.complete & np.isin(gold.shop_week, windows.weeks)
    learned = gold.complete & np.isin(gold.shop_week, windows.train.weeks)
    rng = np.random.default_rng(train.seed)
    past, table = learned_past(gold.baskets, gold.label, learned, train.leaning_penalty, train.folds, rng)
    until = week_ordinal(windows.last_learned_week)
    joined = join_history(gold.baskets, past, counted, settings.lake.delivery_lag_days, until=until)
    return Known(replace(gold, baskets=joined.baskets), joined.history, table)


def known_to(bundle: Bundle, workspace: Path, state: LakeState, settings: Settings, gold: Labelled) -> Labelled:
    """The baskets of `gold`, some weeks of the lake, with what `bundle` would have known of each by then; as they are,
    when it holds no history. Which other weeks are asked for makes no difference to a basket.

    Its history goes on with the weeks after it. Of weeks that the bundle learned from, what was known is followed from
    the first week in the lake, with the product table of the bundle, which has seen the labels of these weeks.
    """
    if bundle.history is None or bundle.products is None or not len(gold.label):
        return gold
    later = gold.shop_week > week_at(bundle.history.week)
    parts = [gold.take(np.flatnonzero(which)) for which in (~later, later) if which.any()]
    known = [_known_alike(bundle, bundle.products, workspace, state, settings, part) for part in parts]
    return replace(gold, baskets=replace(gold.baskets, known=np.concatenate(known)))


def _known_alike(
    bundle: Bundle, products: ProductTable, workspace: Path, state: LakeState, settings: Settings, gold: Labelled
) -> NDArray[np.float32]:
    """What was known of baskets that are all of weeks which the bundle learned from, or all of later ones."""
    assert bundle.history is not None  # noqa: S101 - who calls has looked
    until, first = bundle.history.week, int(gold.shop_week.min())
    later = week_ordinal(first) > until
    between = [w for w in sorted(state.weeks) if w < first and (week_ordinal(w) > until or not later)]
    before = read_gold(lake_path(workspace), state, between)
    baskets = concatenate([before.baskets, gold.baskets])
    past = past_of(baskets, np.concatenate([before.label, gold.label]), products)
    joined = join_history(
        baskets,
        past,
        np.concatenate([before.complete, gold.complete]),
        settings.lake.delivery_lag_days,
        until=until,
        start=bundle.history if later else None,
    )
    assert joined.baskets.known is not None  # noqa: S101 - it was joined just now
    return joined.baskets.known[len(before.label) :]
