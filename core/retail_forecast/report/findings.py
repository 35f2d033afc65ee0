"""What was found out about the model beside its figures: where it is weak, what fewer weeks cost, how it behaves and
whether anything leaks."""

from markupsafe import Markup
from matplotlib.axes import Axes

from retail_forecast.models.findings import CurvePoint, Leakage, Slice, Trial
from retail_forecast.models.slices import MINIMUM, weakest
from retail_forecast.report.canvas import SERIES, draw
from retail_forecast.report.wording import Table, count, figure, numbers

__all__ = ["curve_plot", "curve_table", "guarded", "slice_table", "trial_table", "weakness"]


def weakness(slices: tuple[Slice, ...]) -> str:
    """The weakest slice in a sentence."""
    least = weakest(slices)
    if least is None:
        return f"No slice holds {MINIMUM} baskets, which it takes to call one weak."
    return (
        f"Weakest: {least.by} {least.value}, with macro F1 {figure(least.macro_f1)} on {count(least.n)} baskets "
        f"(of the slices with at least {MINIMUM} baskets)."
    )


def slice_table(slices: tuple[Slice, ...]) -> Table:
    """Figures of every slice."""
    rows = tuple(
        (f"{each.by}: {each.value}", count(each.n), figure(each.accuracy), figure(each.macro_f1)) for each in slices
    )
    header = ("baskets with", "baskets", "accuracy", "macro F1")
    return Table("Figures per kind of basket, over baskets labelled LA, MM or UM", header, rows, numbers(3))


def curve_plot(curve: tuple[CurvePoint, ...]) -> Markup:
    """Macro F1 against the weeks learned from."""
    weeks, macro_f1 = [point.weeks for point in curve], [point.macro_f1 for point in curve]

    def paint(axes: Axes) -> None:
        axes.plot(weeks, macro_f1, color=SERIES[1], marker="o", markersize=5, linewidth=1.5)
        for week, value in zip(weeks, macro_f1, strict=True):
            axes.annotate(f"{value:.3f}", (week, value), (0, 7), textcoords="offset points", ha="center", fontsize=8.5)
        axes.set_xscale("log", base=2)
        axes.set_xticks(weeks, [str(week) for week in weeks])
        axes.minorticks_off()
        axes.set_ylim(max(0.0, min(macro_f1) - 0.05), min(1.02, max(macro_f1) + 0.05))
        axes.set_xlabel("newest weeks learned from (logarithmic)")
        axes.set_ylabel("macro F1")
        axes.grid(visible=True)

    text = "; ".join(f"{point.weeks} weeks {figure(point.macro_f1)}" for point in curve)
    return draw("curve", "Macro F1 by weeks of learning", text + ".", paint, size=(5.6, 3.4))


def curve_table(curve: tuple[CurvePoint, ...]) -> Table:
    """The points of the learning curve."""
    rows = tuple((str(p.weeks), count(p.baskets), figure(p.accuracy), figure(p.macro_f1)) for p in curve)
    header = ("weeks learned from", "baskets fitted on", "accuracy", "macro F1")
    return Table("Figures on the same baskets after fewer weeks of learning", header, rows, numbers(3))


def trial_table(trials: tuple[Trial, ...]) -> Table:
    """What must hold of the model whatever its figures are, and how often it did."""
    rows = tuple(
        (
            trial.name,
            count(trial.cases),
            f"{trial.share:.1%}" if trial.cases else "not tried",
            f"{trial.least:.0%}",
            "yes" if trial.passed else "NO",
        )
        for trial in trials
    )
    header = ("what must hold", "baskets", "held for", "asked for", "passed")
    return Table("Trials of the model's behaviour", header, rows, ("word", "number", "number", "number", "word"))


def guarded(leakage: Leakage) -> str:
    """What the leakage guard found, in sentences."""
    looked = f"{count(leakage.learned)} baskets learned from and {count(leakage.held_out)} held out"
    leaks = f"found: {'; '.join(leakage.leaks)}" if leakage.leaks else f"found nothing in {looked}"
    twin = leakage.twin
    return (
        f"The leakage guard {leaks}. A twin trained on a split of {count(twin.lines)} single lines at random pretends "
        f"macro F1 {figure(twin.row_random)}; held out by whole baskets it reaches {figure(twin.grouped)}: "
        f"{figure(twin.gap)} of it is baskets recognised, not labels learned."
    )
