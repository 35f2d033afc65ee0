"""The segments of customers in words and a table: how many in each tier, and what they spend."""

from retail_forecast.domain.labels import LABELS
from retail_forecast.report.data import SegmentFacts
from retail_forecast.report.wording import Table, count, label_name, moment, numbers, share

__all__ = ["tier_table", "told"]


def told(facts: SegmentFacts) -> str:
    """Which customers, by which model, in sentences."""
    total = sum(tier.customers for tier in facts.tiers.values())
    said = (
        f"{count(total)} customers known as of week {facts.as_of_week}, by model {facts.run_id}, "
        f"written {moment(facts.written_at)}."
    )
    if facts.learned_to_week <= facts.as_of_week:
        return said
    return f"{said} The model learned from weeks up to {facts.learned_to_week}, later than those baskets."


def tier_table(facts: SegmentFacts) -> Table:
    """Customers and money of each tier, with their shares."""
    customers = sum(tier.customers for tier in facts.tiers.values())
    spend_gbp = sum(tier.spend_gbp for tier in facts.tiers.values())
    rows = tuple(
        (
            label_name(label),
            f"{count(tier.customers)} ({share(tier.customers, customers)})",
            f"{tier.spend_gbp:,.2f} ({share(tier.spend_gbp, spend_gbp)})",
            count(tier.baskets),
            count(tier.lapsed),
            count(tier.promoted),
        )
        for label in LABELS
        if (tier := facts.tiers.get(label)) is not None
    )
    header = ("tier", "customers", "spend [GBP]", "baskets", "lapsed", "customers whom its promotion suits")
    return Table("Customers by tier, and what they have spent", header, rows, numbers(5))
