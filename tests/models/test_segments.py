"""Tier, confidence and promotion of customers."""

import numpy as np
import pytest

from retail_forecast.domain.labels import TIERS
from retail_forecast.models.segments import LAPSED_WEEKS, PRIOR_BASKETS, Bought, Segments, reasons, segments

LA, MM, UM, XX = range(4)


def found(*customers: list[int], anonymous: tuple[int, ...] = (), weeks_ago: int = 0) -> Segments:
    """Segments of customers whose baskets are surely of the labels given."""
    labels = [label for one in customers for label in one] + list(anonymous)
    owner = [number for number, one in enumerate(customers) for _ in one] + [-1] * len(anonymous)
    baskets = np.array([len(one) for one in customers], np.int64)
    return segments(
        np.array(owner, np.int64),
        np.eye(4)[labels],
        Bought(baskets * 150, baskets, np.full(len(customers), weeks_ago, np.int64)),
        np.random.default_rng(1),
    )


def balanced(one: list[int], *others: list[int]) -> Segments:
    """The same beside anonymous baskets that make the average shopper even between the tiers."""
    known = np.bincount([label for who in (one, *others) for label in who], minlength=4)[:3]
    return found(one, *others, anonymous=tuple(np.repeat(range(3), 3000 - known).tolist()))


@pytest.mark.parametrize("tier", [LA, MM, UM])
def test_a_customer_belongs_to_the_tier_of_the_baskets(tier: int) -> None:
    one = balanced([tier] * 30)
    assert one.tier.tolist() == one.promotion.tolist() == [tier]
    assert one.confidence[0] > 0.99
    assert one.probabilities[0].sum() == pytest.approx(1)


def test_shares_are_smoothed_towards_the_average_shopper() -> None:
    one = balanced([UM] * 4)
    expected = (4 + PRIOR_BASKETS / 3) / (4 + PRIOR_BASKETS)
    assert one.probabilities[0, UM] == pytest.approx(expected)


def test_more_baskets_make_the_same_tier_surer() -> None:
    one = balanced([UM] * 2, [UM] * 20)
    assert one.confidence[0] < one.confidence[1]
    assert one.probabilities[0, UM] < one.probabilities[1, UM]


def test_unclassified_baskets_count_as_visits_and_say_nothing_of_the_tier() -> None:
    plain, more = balanced([LA] * 5), balanced([LA] * 5 + [XX] * 9)
    assert more.probabilities[0].tolist() == plain.probabilities[0].tolist()
    assert (plain.bought.baskets[0], more.bought.baskets[0]) == (5, 14)
    assert (plain.bought.spend_pence[0], more.bought.spend_pence[0]) == (750, 2100)


def test_between_two_opposed_tiers_the_middle_is_promoted_with_the_reason() -> None:
    one = balanced([LA] * 28 + [UM] * 27 + [MM] * 5)
    assert (TIERS[one.tier[0]], TIERS[one.promotion[0]]) == ("LA", "MM")
    assert "LA is likeliest, but MM is the least wrong on average" in reasons(one)[0]


def test_a_customer_does_not_hang_on_the_order_of_the_baskets() -> None:
    one = balanced([LA] * 9 + [UM] * 2)
    turned = balanced([UM] * 2 + [LA] * 9)
    assert one.probabilities.tolist() == turned.probabilities.tolist()
    assert one.confidence.tolist() == turned.confidence.tolist()


def test_reasons_name_few_baskets_doubt_and_absence() -> None:
    few, unsure, sure = reasons(balanced([UM], [LA] * 5 + [UM] * 4, [UM] * 40))
    assert "after 1 basket;" in few
    assert "average shopper" in few
    assert "not sure" in unsure
    assert "not sure" not in sure
    assert "win back" not in sure
    assert "win back" in reasons(found([LA, MM, UM], weeks_ago=LAPSED_WEEKS + 1))[0]
    assert "win back" not in reasons(found([LA, MM, UM], weeks_ago=LAPSED_WEEKS))[0]


def test_without_named_customers_there_are_no_segments() -> None:
    assert len(found(anonymous=(LA, MM)).tier) == 0
