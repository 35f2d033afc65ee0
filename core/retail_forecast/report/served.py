"""One basket that a running server was asked about, and its answer, in words and tables."""

from retail_forecast.domain.labels import LABELS
from retail_forecast.report.data import ServedPrediction
from retail_forecast.report.wording import Kind, Table, count, figure, label_name, share

__all__ = ["answer_table", "asked", "basket_table", "told"]


def asked(served: ServedPrediction) -> str:
    """The basket in a sentence."""
    lines = served.request["lines"]
    items = sum(line["quantity"] for line in lines)
    spend_gbp = sum(round(line["spend_gbp"] * 100) for line in lines) / 100
    words = [f"{count(len(lines))} lines", f"{count(items)} items", f"£{spend_gbp:,.2f}"]
    where = f" in store {served.request['store_code']}" if served.request.get("store_code") else ""
    when = f" on {served.request['shop_date']}" if served.request.get("shop_date") else ""
    return f"Asked: basket {served.request.get('basket_id') or 'without a number'}{where}{when}: {', '.join(words)}."


def told(served: ServedPrediction) -> str:
    """The answer in sentences."""
    answer = served.answer
    sure = figure(answer["probabilities"][answer["label"]])
    unknown = answer["unknown_share"]
    strangers = f"{share(unknown, 1)} of its lines had unknown products" if unknown else "all its products were known"
    return (
        f"Answered: {answer['label']}, so price sensitivity {answer['sensitivity']}, with probability {sure}; "
        f"{strangers}. "
        f"Model {answer['model_version']} took {served.latency_ms:.1f} ms from question to answer."
    )


def basket_table(served: ServedPrediction) -> Table:
    """The lines of the basket and, where it was asked, what each contributed to the answer."""
    lines = served.request["lines"]
    rows = tuple(
        (
            line.get("prod_code") or "not named",
            line.get("prod_code_10") or "",
            count(line["quantity"]),
            f"{line['spend_gbp']:,.2f}",
            *([f"{served.contributions[number]:+.2f}"] if served.contributions else []),
        )
        for number, line in enumerate(lines)
    )
    told = f"speaks for {served.answer['label']} [log-odds]"
    header = ("product", "product group", "quantity", "spend [GBP]", told)
    kinds: tuple[Kind, ...] = ("code", "code", "number", "number", "number")
    width = len(header) if served.contributions else len(header) - 1
    return Table("The basket", header[:width], rows, kinds[:width])


def answer_table(served: ServedPrediction) -> Table:
    """Probabilities of the labels."""
    rows = tuple((label_name(x), figure(served.answer["probabilities"][x])) for x in LABELS)
    return Table("The answer", ("label", "probability"), rows, ("word", "number"))
