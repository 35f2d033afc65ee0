"""History as of a basket: it equals a slow reference, and nothing that was not yet known ever reaches it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.calendar import EPOCH, date_of_week, shop_week, week_ordinal
from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast.features.history import (
    empty_history,
    join_history,
    learned_past,
    past_of,
    week_of,
)
from retail_forecast.kernel.arrival import (
    ARRIVAL_FEATURES,
    GROUPS,
    LONGEST_ABSENCE,
    PAST,
    SEGMENT_FEATURES,
    Group,
    arrival_features,
    known_week,
)
from retail_forecast.kernel.lines import MISSING, Baskets, baskets_from_rows
from retail_forecast.kernel.products import VALUES, ProductTable

NAMES = (*ARRIVAL_FEATURES, *SEGMENT_FEATURES)
LEANINGS = slice(PAST.index("is_la"), PAST.index("balance_square") + 1)
LA, MM, UM = (LABELS.index(tier) for tier in (Label.LA, Label.MM, Label.UM))
PRODUCTS = ("PRD0000001", "PRD0000002", "PRD0000003")
TABLE = ProductTable(
    {code: row for row, code in enumerate(PRODUCTS)}, {}, np.arange(4 * len(VALUES)).reshape(4, -1) / 8.0
)

arrivals = st.builds(
    Basket,
    lines=st.just(()),
    shop_date=st.integers(0, 41).map(lambda days: EPOCH + timedelta(days)),
    shop_hour=st.sampled_from([8, 21, None]),
    customer=st.sampled_from(["CUST0000000001", "CUST0000000002", None]),
    store_code=st.sampled_from(["STORE00001", "STORE00002", None]),
    store_region=st.sampled_from(["E01", "W01", None]),
    store_format=st.sampled_from(["LS", None]),
    seg_1=st.sampled_from(["AZ", "BG", None]),
    seg_2=st.sampled_from(["DI", None]),
)


def _key(row: Basket, group: Group) -> tuple[object, ...] | None:
    parts = [row.customer is None if name == "anonymous" else getattr(row, name) for name in group.keys]
    return None if None in parts else tuple(parts)


def _week(row: Basket) -> int:
    assert row.shop_date is not None
    return week_ordinal(shop_week(row.shop_date))


def _after(row: Basket, others: Sequence[Basket]) -> int:
    """How many of `others` began later."""

    def moment(one: Basket) -> tuple[date, int]:
        assert one.shop_date is not None
        return one.shop_date, one.shop_hour or 0

    return sum(moment(other) > moment(row) for other in others)


def _reference(
    basket: Basket, rows: Sequence[Basket], past: NDArray[np.float64], counted: Sequence[bool], lag: int
) -> list[float]:
    """History of `basket`, in plain Python and by dates: row after row, each asked whether it was known by then."""
    day = basket.shop_date
    assert day is not None

    def ended(week: int) -> bool:
        return EPOCH + timedelta(weeks=week + 1, days=lag) <= day

    now = max(week for week in range(-9, 9) if ended(week))
    known = [n for n, row in enumerate(rows) if counted[n] and ended(_week(row))]
    hour = -1.0 if basket.shop_hour is None else float(basket.shop_hour)
    found = {"hour": hour, "weekday": float(day.weekday()), "anonymous": float(basket.customer is None)}
    means: dict[tuple[str, float, str], float] = {}
    for group in GROUPS:
        key = _key(basket, group)
        of = [n for n in known if key is not None and _key(rows[n], group) == key]
        for life in group.half_lives:
            span = "ever" if life == inf else f"{life}{group.pace[0]}"
            since = {
                n: _after(rows[n], [rows[m] for m in of]) if group.pace == "baskets" else now - _week(rows[n])
                for n in of
            }
            share = {n: 0.5 ** (since[n] / life) for n in of}
            weight = sum(share[n] * past[n, PAST.index(group.per)] for n in of)
            for value in group.values:
                prior = means[group.parent, life, value] if group.parent else 0.0
                total = sum(share[n] * past[n, PAST.index(value)] for n in of) + group.trust * prior
                means[group.name, life, value] = total / (weight + group.trust)
                found[f"{group.name}_{value}_{span}"] = means[group.name, life, value]
            found[f"{group.name}_baskets_{span}"] = sqrt(weight)
        found[f"{group.name}_absence"] = float(now - max((_week(rows[n]) for n in of), default=-LONGEST_ABSENCE - 99))
        found[f"{group.name}_absence"] = min(found[f"{group.name}_absence"], float(LONGEST_ABSENCE))
    return [found[name] for name in NAMES]


def _past(count: int, seed: int) -> NDArray[np.float64]:
    past = np.random.default_rng(seed).uniform(0, 3, (count, len(PAST)))
    past[:, PAST.index("baskets")] = 1
    return past


@settings(max_examples=40)
@given(st.lists(st.tuples(arrivals, st.booleans()), min_size=1, max_size=14), st.integers(0, 9), st.integers(0, 99))
def test_it_equals_the_reference(drawn: list[tuple[Basket, bool]], lag: int, seed: int) -> None:
    rows, counted = [row for row, _ in drawn], [counts for _, counts in drawn]
    past = _past(len(rows), seed)
    known = join_history(baskets_from_rows(rows), past, np.array(counted), lag, until=6).baskets.known
    assert known is not None
    wanted = np.array([_reference(row, rows, past, counted, lag) for row in rows])
    np.testing.assert_allclose(known, wanted, rtol=1e-5, atol=1e-6)


@settings(max_examples=20)
@given(st.lists(arrivals, min_size=2, max_size=14), st.integers(0, 9), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows: list[Basket], lag: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    past, counted = _past(len(rows), 1), np.arange(len(rows)) % 4 > 0
    baskets = baskets_from_rows(rows)
    first = join_history(baskets, past, counted, lag, until=6).baskets.known
    second = join_history(baskets.take(order), past[order], counted[order], lag, until=6).baskets.known
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(second, first[order], rtol=1e-5, atol=1e-6)


WEEKS = 7
TARGET_WEEK = 4
WEDNESDAY = 2


def _visit(day: int, customer: str | None, product: int, store: str = "STORE00001") -> Basket:
    lines = tuple(Line(1, 2.0 + n, PRODUCTS[(product + n) % 3]) for n in range(1 + product % 3))
    return Basket(
        lines, shop_date=EPOCH + timedelta(day), shop_hour=10, customer=customer, store_code=store, store_region="E01",
        store_format="LS", seg_1="AZ", seg_2="DI",
    )  # fmt: skip


def _world(target_day: int) -> tuple[Baskets, NDArray[np.int8]]:
    """The target, then three baskets a week: of its customer, of another and of nobody; all of them MM."""
    rows = [_visit(target_day, "CUST0000000001", 0)]
    for week in range(WEEKS):
        for number, customer in enumerate(("CUST0000000001", "CUST0000000002", None)):
            rows.append(_visit(week * 7 + 2 * number, customer, week + number))
    return baskets_from_rows(rows), np.full(len(rows), MM, np.int8)


def _known(baskets: Baskets, label: NDArray[np.int8], lag: int) -> NDArray[np.float32]:
    """What is known of the baskets, labels and spend taken through `past_of`."""
    past = past_of(baskets, label, TABLE)
    known = join_history(baskets, past, np.ones(len(baskets), np.bool_), lag, until=WEEKS - 1).baskets.known
    assert known is not None
    return known


def _changed(
    baskets: Baskets, label: NDArray[np.int8], rows: NDArray[np.bool_]
) -> dict[str, tuple[Baskets, NDArray[np.int8]]]:
    """The world with other labels, other spend, and other products in the baskets at `rows`."""
    lines = np.repeat(rows, baskets.line_counts)
    products = replace(baskets.prod_code, index=np.where(lines, np.int32(2), baskets.prod_code.index))
    return {
        "label": (baskets, np.where(rows, LA, label).astype(np.int8)),
        "spend": (replace(baskets, spend_pence=np.where(lines, 9900, baskets.spend_pence)), label),
        "products": (replace(baskets, prod_code=products), label),
    }


@pytest.mark.parametrize("changed", ["label", "spend", "products"])
@pytest.mark.parametrize(("weekday", "lag", "newest"), [(WEDNESDAY, 1, 3), (0, 1, 2), (0, 0, 3), (6, 8, 2)])
@pytest.mark.parametrize("week", range(WEEKS))
def test_a_week_counts_only_once_it_is_known(changed: str, weekday: int, lag: int, newest: int, week: int) -> None:
    baskets, label = _world(TARGET_WEEK * 7 + weekday)
    rows = week_of(baskets.shop_day) == week
    others = _known(*_changed(baskets, label, rows)[changed], lag)[0]
    assert np.array_equal(others, _known(baskets, label, lag)[0]) == (week > newest)


def test_all_that_is_not_yet_known_may_change_at_once() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    before = _known(baskets, label, 1)
    unknown = week_of(baskets.shop_day) >= TARGET_WEEK
    unknown[0] = True
    for name, world in _changed(baskets, label, unknown).items():
        after = _known(*world, 1)
        early = known_week(baskets.shop_day, 1) < TARGET_WEEK
        assert early[0]
        np.testing.assert_array_equal(after[early], before[early], err_msg=name)
        assert not np.array_equal(after[~early], before[~early]), name


def test_the_baskets_own_label_and_lines_are_not_its_history() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    alone = np.zeros(len(baskets), np.bool_)
    alone[0] = True
    before = _known(baskets, label, 0)
    for name, world in _changed(baskets, label, alone).items():
        np.testing.assert_array_equal(_known(*world, 0)[0], before[0], err_msg=name)
    later = NAMES.index("customer_la_ever")
    raised = _known(*_changed(baskets, label, alone)["label"], 0)[:, later] > before[:, later]
    np.testing.assert_array_equal(raised, week_of(baskets.shop_day) > TARGET_WEEK)


def test_only_the_tier_of_the_label_moves() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    rows = (week_of(baskets.shop_day) == TARGET_WEEK - 1) & (baskets.customer.index == 0)
    before, after = _known(baskets, label, 1)[0], _known(baskets, np.where(rows, UM, label).astype(np.int8), 1)[0]
    moved = {NAMES[n] for n in np.flatnonzero(before != after)}
    assert {"customer_um_ever", "customer_um_8w", "visit_um_ever"} <= moved
    assert all("_um_" in name for name in moved)


def test_baskets_that_are_not_counted_add_nothing() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    joined = join_history(baskets, past_of(baskets, label, TABLE), np.zeros(len(baskets), np.bool_), 1, until=WEEKS)
    none = arrival_features(baskets, empty_history(WEEKS))
    np.testing.assert_array_equal(joined.baskets.known, none)
    assert all(not table.rows for table in joined.history.tables)


@pytest.mark.parametrize("lag", [0, 1, 2, 6, 7, 8, 14])
def test_a_longer_lag_takes_the_last_week_away_for_as_many_days(lag: int) -> None:
    ended = date_of_week(200604)
    for after in range(21):
        day = ended + timedelta(after)
        rows = [
            Basket((), shop_date=ended - timedelta(1), customer="CUST0000000001"),
            Basket((), shop_date=day, customer="CUST0000000001"),
        ]
        baskets = baskets_from_rows(rows)
        known = join_history(baskets, np.ones((2, len(PAST))), np.array([True, False]), lag, until=9).baskets.known
        assert known is not None
        assert known[1, NAMES.index("customer_baskets_ever")] == float(after >= lag)
        assert (known_week(baskets.shop_day, lag)[1] >= 2) == (after >= lag)


def test_the_longer_the_lag_the_fewer_baskets_are_known() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    seen = [
        round(float(_known(baskets, label, lag)[0, NAMES.index("customer_baskets_ever")]) ** 2) for lag in range(18)
    ]
    assert seen == [4] * 3 + [3] * 7 + [2] * 7 + [1]


def test_anonymous_baskets_have_no_history_of_a_customer() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    known, anonymous = _known(baskets, label, 1), baskets.customer.index < 0
    late = week_of(baskets.shop_day) > 2
    for group in ("customer", "visit"):
        assert (known[anonymous, NAMES.index(f"{group}_baskets_ever")] == 0).all()
        assert (known[anonymous, NAMES.index(f"{group}_absence")] == LONGEST_ABSENCE).all()
        assert (known[late & ~anonymous, NAMES.index(f"{group}_baskets_ever")] > 0).all()
    assert (known[anonymous, NAMES.index("taste_lean_la_ever")] == 0).all()
    np.testing.assert_array_equal(
        known[anonymous, NAMES.index("customer_um_ever")], known[anonymous, NAMES.index("store_um_ever")]
    )


def test_anonymous_baskets_are_in_no_customers_history() -> None:
    """They are in the store's, towards which a customer's tiers are drawn; tastes and counts have no such parent."""
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    past, named = past_of(baskets, label, TABLE), baskets.customer.index >= 0
    every = np.ones(len(baskets), np.bool_)
    first, second = (
        join_history(baskets, past, counted, 1, until=WEEKS).baskets.known for counted in (every, every & named)
    )
    assert first is not None
    assert second is not None
    own = [
        n
        for n, name in enumerate(NAMES)
        if "taste_" in name or "scale_" in name or "_baskets_" in name or name.endswith("absence")
    ]
    np.testing.assert_array_equal(first[:, own], second[:, own])
    store = NAMES.index("store_size_ever")
    assert not np.array_equal(first[~named, store], second[~named, store])


def test_a_join_in_two_parts_is_the_join_of_all() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    past, week = past_of(baskets, label, TABLE), week_of(baskets.shop_day)
    every = np.ones(len(baskets), np.bool_)
    whole = join_history(baskets, past, every, 0, until=WEEKS - 1)
    early, late = np.flatnonzero(week < TARGET_WEEK), np.flatnonzero(week >= TARGET_WEEK)
    first = join_history(baskets.take(early), past[early], every[early], 0, until=TARGET_WEEK - 1)
    second = join_history(
        baskets.take(late), past[late], every[late], 0, until=TARGET_WEEK - 1, start=first.history
    )  # fmt: skip
    assert whole.baskets.known is not None
    np.testing.assert_array_equal(first.baskets.known, whole.baskets.known[early])
    np.testing.assert_array_equal(second.baskets.known, whole.baskets.known[late])
    ends = [arrival_features(baskets, joined.history) for joined in (first, second)]
    np.testing.assert_array_equal(ends[0], ends[1])


def test_the_returned_history_ends_with_the_week_asked_for() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    past, week = past_of(baskets, label, TABLE), week_of(baskets.shop_day)
    until = TARGET_WEEK - 1
    all_weeks = join_history(baskets, past, np.ones(len(baskets), np.bool_), 1, until=until).history
    cut = join_history(baskets, past, week <= until, 1, until=until).history
    assert all_weeks.week == cut.week == until
    np.testing.assert_array_equal(arrival_features(baskets, all_weeks), arrival_features(baskets, cut))
    shorter = join_history(baskets, past, week < until, 1, until=until).history
    assert not np.array_equal(arrival_features(baskets, cut), arrival_features(baskets, shorter))


def test_a_start_that_knows_too_much_is_refused() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    rows = np.flatnonzero(week_of(baskets.shop_day) >= TARGET_WEEK)
    late, past, every = baskets.take(rows), past_of(baskets, label, TABLE)[rows], np.ones(len(rows), np.bool_)
    join_history(late, past, every, 1, until=TARGET_WEEK - 1, start=empty_history(TARGET_WEEK - 1))
    with pytest.raises(DataError, match="knows more"):
        join_history(late, past, every, 1, until=TARGET_WEEK, start=empty_history(TARGET_WEEK))
    with pytest.raises(DataError, match="knows more"):
        join_history(late, past, every, 1, until=TARGET_WEEK - 1, start=empty_history(TARGET_WEEK - 2))


def test_a_basket_without_a_day_is_refused() -> None:
    baskets, label = _world(TARGET_WEEK * 7 + WEDNESDAY)
    day = baskets.shop_day.copy()
    day[4] = MISSING
    with pytest.raises(DataError, match="without a day"):
        _known(replace(baskets, shop_day=day), label, 1)


def test_who_learned_from_a_week_knows_it_on_the_monday_after() -> None:
    """A model of week 3 is there only once week 3 is known, however early in week 4 it is asked."""
    monday, label = _world(TARGET_WEEK * 7)
    past = past_of(monday, label, TABLE)
    every = np.ones(len(monday), np.bool_)
    lagging, learned = (
        join_history(monday, past, every, 1, until=until).baskets.known for until in (WEEKS - 1, TARGET_WEEK - 1)
    )
    assert lagging is not None
    assert learned is not None
    prompt = join_history(monday, past, every, 0, until=WEEKS - 1).baskets.known
    assert prompt is not None
    np.testing.assert_array_equal(learned[0], prompt[0])
    assert not np.array_equal(learned[0], lagging[0])


def _learnable(seed: int) -> tuple[Baskets, NDArray[np.int8]]:
    rng = np.random.default_rng(seed)
    customers = [f"CUST{n:010d}" for n in range(12)]
    rows = [_visit(int(rng.integers(0, 28)), customers[n % 12], int(rng.integers(0, 3))) for n in range(60)]
    rows += [_visit(3, None, n) for n in range(3)]
    return baskets_from_rows(rows), rng.integers(0, 3, len(rows)).astype(np.int8)


def test_leanings_of_a_customers_past_never_saw_the_customers_labels() -> None:
    baskets, label = _learnable(5)
    learned = np.ones(len(baskets), np.bool_)
    own = baskets.customer.index == 0
    other = np.where(own, (label + 1) % 3, label).astype(np.int8)
    past, other_past = (learned_past(baskets, y, learned, 0.1, 3, np.random.default_rng(2))[0] for y in (label, other))
    np.testing.assert_array_equal(past[own, LEANINGS], other_past[own, LEANINGS])
    assert not np.array_equal(past[~own, LEANINGS], other_past[~own, LEANINGS])
    assert not np.array_equal(past[own, :2], other_past[own, :2])


def test_nothing_is_learned_from_baskets_that_are_not_to_be_learned_from() -> None:
    baskets, label = _learnable(6)
    learned = week_of(baskets.shop_day) < 2
    other = np.where(learned, label, (label + 1) % 3).astype(np.int8)
    (past, table), (other_past, other_table) = (
        learned_past(baskets, y, learned, 0.1, 3, np.random.default_rng(2)) for y in (label, other)
    )
    np.testing.assert_array_equal(table.values, other_table.values)
    np.testing.assert_array_equal(past[:, LEANINGS], other_past[:, LEANINGS])
    np.testing.assert_array_equal(past[learned], other_past[learned])


def test_what_a_basket_adds() -> None:
    rows = [_visit(0, None, 0), _visit(0, None, 2), Basket((), shop_date=EPOCH)]
    past = past_of(baskets_from_rows(rows), np.array([LA, UM, MM], np.int8), TABLE)
    added = {name: past[:, PAST.index(name)].tolist() for name in PAST}
    assert (added["la"], added["um"]) == ([1, 0, 0], [0, 1, 0])
    assert (added["baskets"], added["lines"], added["small"]) == ([1, 1, 1], [1, 3, 0], [1, 0, 1])
    np.testing.assert_allclose(added["size"], [1, sqrt(3), 0])
    np.testing.assert_allclose(added["spend"], [sqrt(2), 3, 0])
    column = VALUES.index("lean_um")
    np.testing.assert_allclose(added["lean_um"], [TABLE.values[0, column], TABLE.values[:3, column].sum(), 0])
    tilt = TABLE.values[:3, VALUES.index("is_um")] - TABLE.values[:3, VALUES.index("is_la")]
    np.testing.assert_allclose(added["balance"], [tilt[0], tilt.mean(), 0])
    np.testing.assert_allclose(added["balance_square"], [tilt[0] ** 2, tilt.mean() ** 2, 0])
