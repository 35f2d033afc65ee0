"""The learners beside each other, measured on the same baskets."""

from markupsafe import Markup
from matplotlib.axes import Axes

from retail_forecast.registry.record import SIMPLER, RunRecord
from retail_forecast.report.canvas import INK, SERIES, draw
from retail_forecast.report.wording import Table, baseline_name, figure, interval

__all__ = ["rival_plot", "rival_table"]

_LEARNING = ("features", "fit")


def rival_plot(runs: tuple[RunRecord, ...]) -> Markup:
    """Macro F1 of each learner with its interval, the best on top.

    The axis does not begin at zero, for good learners differ little: points, not bars.
    """
    values = [run.metrics["macro_f1"] for run in runs]
    bounds = [run.intervals["macro_f1"] for run in runs]

    def paint(axes: Axes) -> None:
        for place, (value, bound) in enumerate(zip(values, bounds, strict=True)):
            axes.plot([bound.lower, bound.upper], [place, place], color=INK, linewidth=1.6)
            axes.plot([value], [place], color=SERIES[1], marker="o", markersize=7)
            axes.annotate(f"{value:.4f}", (value, place), (0, 8), textcoords="offset points", ha="center", fontsize=8.5)
        axes.set_yticks(range(len(runs)), [run.model for run in runs])
        axes.set_ylim(len(runs) - 0.5, -0.7)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        axes.set_xlabel("macro F1, with its 95 % interval (the axis does not begin at 0)")
        axes.grid(visible=True, axis="x")

    text = "; ".join(f"{run.model} {figure(value)}" for run, value in zip(runs, values, strict=True))
    return draw("rivals", "Macro F1 of all learners", text + ".", paint, size=(5.6, 0.9 + 0.55 * len(runs)))


def rival_table(runs: tuple[RunRecord, ...]) -> Table:
    """Figures of each learner, the best first, and of simpler answers below them."""
    learners = [
        (
            run.model,
            figure(run.metrics["accuracy"]),
            figure(run.metrics["macro_f1"]),
            interval(run.intervals["macro_f1"]),
            figure(run.metrics["log_loss"]),
            figure(run.metrics["ece"]),
            f"{sum(run.seconds.get(phase, 0.0) for phase in _LEARNING):.1f}",
            run.run_id,
        )
        for run in runs
    ]
    simpler = [
        (baseline_name(name), figure(metrics["accuracy"]), figure(metrics["macro_f1"]), *[""] * 5)
        for name, metrics in runs[0].baselines.items()
        if name in SIMPLER
    ]
    return Table(
        "Learners that learned from the same weeks, measured on the same baskets labelled LA, MM or UM",
        ("learner", "accuracy", "macro F1", "interval", "log loss", "ECE", "training [s]", "run"),
        (*learners, *simpler),
        ("word", "number", "number", "number", "number", "number", "number", "code"),
    )
