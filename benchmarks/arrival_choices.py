r"""What choices for the task `arrival` bring, on weeks before the test window: several origins, several seeds.

    .venv/bin/python benchmarks/arrival_choices.py --workspace DIR --before 200746

From each origin XGBoost learns from all weeks but the last thirteen, is calibrated on the fifth to eighth of these,
where its rule is chosen too, and is measured on the last five; a rule by labels is chosen on the first four. Origins
lie five weeks apart; the newest ends before the week `--before`. Every choice is compared with the first one on the
same origins and seeds, by the mean difference and its standard error. A look at one of them in a minute of CPU time:

    .venv/bin/python benchmarks/arrival_choices.py --workspace DIR --before 200746 --origins 1 --seeds 1 --every 16 \
        --only 'without the last baskets'
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.domain.settings import Settings, load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import ARRIVAL_FEATURES, SEGMENT_FEATURES
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.models.boosting import XGBOOST
from retail_forecast.models.confusion import confusion_counts, rates
from retail_forecast.models.deciding import choose_weights
from retail_forecast.models.evaluation import evaluate
from retail_forecast.models.fitting import calibrated, fit_model
from retail_forecast.models.learners import learner
from retail_forecast.pipeline.knowledge import known_of
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.record import Span, Windows

MEASURED, CALIBRATION, VALIDATION = 5, 4, 4
NAMES = (*ARRIVAL_FEATURES, *SEGMENT_FEATURES)
FIGURES = ("log loss", "macro F1, expected rule", "macro F1, rule by labels", "macro F1, likeliest")
CHOICES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "as it is": ({}, ()),
    "without the balance of past baskets": ({}, ("scale_", "visit_scale_", "streak_balance")),
    "without the last baskets": ({}, ("streak_",)),
    "settings of the other tasks": (XGBOOST, ()),
}
"""Name -> settings of XGBoost in place of the task's, and beginnings of the features that it does not see."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--before", type=int, required=True, help="first week that is not looked at, YYYYWW")
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="learn from each so-manieth basket only")
    parser.add_argument("--only", choices=list(CHOICES)[1:], help="compare the first choice with this one alone")
    given = parser.parse_args()
    first, *others = CHOICES
    choices = [first, *(name for name in others if given.only in (None, name))]
    settings, state = load_settings(given.workspace), lake_state(given.workspace)
    weeks = [week for week in sorted(state.weeks) if week < given.before]
    gold = read_gold(lake_path(given.workspace), state, weeks)
    found: dict[str, list[list[float]]] = {name: [] for name in choices}
    for origin in range(given.origins):
        windows = windows_before(weeks[: len(weeks) - origin * MEASURED])
        known = known_of(part(gold, windows.weeks), windows, settings).gold
        for seed, name in product(range(given.seeds), choices):
            found[name].append(figures(known, windows, settings, *CHOICES[name], seed, given.every))
    print("\n".join(table(found)))


def windows_before(weeks: list[int]) -> Windows:
    """The windows of the origin that ends with the last of `weeks`."""
    third = len(weeks) - MEASURED
    second = third - CALIBRATION
    first = second - VALIDATION
    parts = weeks[:first], weeks[first:second], weeks[second:third], weeks[third:]
    train, validation, calibration, test = map(Span.of, parts)
    return Windows(train, validation, calibration, test)


def part(gold: Labelled, weeks: tuple[int, ...]) -> Labelled:
    """The baskets of `weeks`."""
    rows = np.flatnonzero(np.isin(gold.shop_week, weeks))
    return Labelled(gold.baskets.take(rows), gold.label[rows], gold.shop_week[rows], gold.complete[rows])


def figures(
    gold: Labelled,
    windows: Windows,
    settings: Settings,
    own: dict[str, Any],
    hidden: tuple[str, ...],
    seed: int,
    every: int,
) -> list[float]:
    """FIGURES of one choice from one origin; features that are hidden are the same for all baskets."""
    known = np.array(gold.baskets.known)
    known[:, [n for n, name in enumerate(NAMES) if name.startswith(hidden or ("-",))]] = 0
    baskets, spans = (
        replace(gold.baskets, known=known),
        (windows.train, windows.validation, windows.calibration, windows.test),
    )
    rows = [np.flatnonzero(np.isin(gold.shop_week, span.weeks if span else ()) & gold.complete) for span in spans]
    learned, validation, calibration, measured = rows[0][::every], *rows[1:]
    train = settings.train.model_copy(update={"seed": seed})
    chosen = learner("xgboost", own, Task.ARRIVAL)
    fitted = fit_model(Task.ARRIVAL, chosen, baskets.take(learned), gold.label[learned], train, settings.train.threads)
    bundle = calibrated(fitted, baskets.take(calibration), gold.label[calibration]).bundle()
    chances = [bundle.predict(baskets.take(those)).probabilities for those in (validation, calibration, measured)]
    weights = choose_weights(chances[1]), by_labels(gold.label[validation], chances[0]), np.ones(len(LABELS))
    label = gold.label[measured]
    ways = [evaluate(label, chances[2], (chances[2] * rule).argmax(axis=1).astype(np.int8)) for rule in weights]
    return [ways[0].log_loss, *(way.macro_f1 for way in ways)]


def by_labels(label: NDArray[np.int8], chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights of best macro F1 on n baskets by their labels."""
    scaled = label < len(TIERS)
    steps = 2.0 ** (np.arange(-8, 21) / 8)
    pairs = sorted(product(steps, steps), key=lambda pair: float(np.abs(np.log(pair)).sum()))
    rules = [np.array([la, 1, um, 1]) for la, um in pairs]
    tables = [
        confusion_counts(label[scaled], (chances[scaled] * rule).argmax(axis=1).astype(np.int8), 3) for rule in rules
    ]
    return rules[int(rates(np.stack(tables).astype(np.float64)).macro_f1.argmax())]


def table(found: dict[str, list[list[float]]]) -> Iterator[str]:
    """The means as lines of Markdown; in brackets, the difference to the first choice and its standard error."""
    yield f"| choice | {' | '.join(FIGURES)} |"
    yield f"| --- |{' --- |' * len(FIGURES)}"
    first = np.array(next(iter(found.values())))
    for name, values in found.items():
        apart = np.array(values) - first
        spread = apart.std(axis=0, ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.full(len(FIGURES), np.nan)
        means = zip(np.mean(values, axis=0), apart.mean(axis=0), spread, strict=True)
        yield f"| {name} | " + " | ".join(f"{mean:.4f} ({away:+.4f} ± {by:.4f})" for mean, away, by in means) + " |"


if __name__ == "__main__":
    main()
