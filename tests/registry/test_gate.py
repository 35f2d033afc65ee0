"""The gate refuses a worse model, passes a better one, cannot be fooled by a flipped, stale or leaking comparison."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import Floors, GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.models.bootstrap import Interval, PairedBound
from retail_forecast.models.findings import Leakage, Trial, Twin
from retail_forecast.registry.comparison import Comparison, compare, comparison_weeks
from retail_forecast.registry.gate import Decision, Override, decide
from retail_forecast.registry.record import RunRecord, Span, Windows

MakeRun = Callable[..., RunRecord]

SETTINGS = GateSettings()


def _comparison(candidate: float, champion: float, *, first_week: int = 200707, n: int = 4000) -> Comparison:
    """Candidate and champion with these accuracies on the same n baskets of two weeks."""
    rng = np.random.default_rng(42)
    label = rng.choice(3, n, p=[0.25, 0.5, 0.25]).astype(np.int8)
    luck, wrong = rng.random(n), ((label + 1) % 3).astype(np.int8)

    def answers(accuracy: float) -> NDArray[np.int8]:
        return np.where(luck < accuracy, label, wrong)

    weeks = np.where(np.arange(n) % 2 == 0, first_week, first_week + 1).astype(np.int32)
    return compare(
        ("candidate", answers(candidate)), ("champion", answers(champion)), label,
        cluster=np.arange(n) // 3, shop_week=weeks, settings=SETTINGS, rng=rng,
    )  # fmt: skip


def _judged(make_run: MakeRun, comparison: Comparison | None, override: Override | None = None) -> Decision:
    candidate, champion = make_run("candidate"), make_run("champion")
    return decide(candidate, SETTINGS, champion=champion, comparison=comparison, override=override)


def test_a_worse_model_is_refused(make_run: MakeRun) -> None:
    decision = _judged(make_run, _comparison(0.90, 0.95))
    assert not decision.promoted
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("macro F1 differs by -0.0468 from champion")
    assert "is below -0.0020" in decision.reasons[0]


def test_a_better_model_passes(make_run: MakeRun) -> None:
    decision = _judged(make_run, _comparison(0.95, 0.90))
    assert decision.promoted
    assert decision.override is None
    assert all(check["passed"] for check in decision.evidence["checks"])
    assert decision.evidence["comparison"]["result"]["bound"] > 0


def test_the_same_answers_pass_and_a_little_worse_ones_do_not(make_run: MakeRun) -> None:
    assert _judged(make_run, _comparison(0.92, 0.92)).promoted
    assert not _judged(make_run, _comparison(0.917, 0.92)).promoted


def test_a_flipped_comparison_would_be_seen(make_run: MakeRun) -> None:
    better = _comparison(0.95, 0.90)
    assert better.result.difference == pytest.approx(0.05, abs=0.01)
    flipped = replace(better, candidate=better.champion, champion=better.candidate)
    decision = _judged(make_run, flipped)
    assert not decision.promoted
    assert "not of these two models" in decision.reasons[0]


def test_the_bound_decides_not_the_difference(make_run: MakeRun) -> None:
    near = _comparison(0.9205, 0.92)
    lucky = PairedBound(difference=0.001, bound=-0.003, confidence=0.95, draws=1000, baskets=4000, clusters=1334)
    assert not _judged(make_run, replace(near, result=lucky)).promoted
    assert _judged(make_run, replace(near, result=replace(lucky, bound=-0.002))).promoted


@pytest.mark.parametrize("first_week", [200704, 200705, 200706])
def test_a_comparison_on_weeks_that_a_model_learned_from_is_refused(make_run: MakeRun, first_week: int) -> None:
    decision = _judged(make_run, _comparison(0.99, 0.90, first_week=first_week))
    assert not decision.promoted
    assert decision.reasons == (
        f"the comparison starts in week {first_week}, but a model learned from weeks up to 200706",
    )


def test_weeks_that_only_the_champion_learned_from_are_a_leak_too(make_run: MakeRun) -> None:
    champion = make_run("champion", metrics_from="parent", parent="p", windows=Windows(Span.of([200701, 200708])))
    decision = decide(make_run("candidate"), SETTINGS, champion=champion, comparison=_comparison(0.99, 0.90))
    assert not decision.promoted
    assert "learned from weeks up to 200708" in decision.reasons[0]
    assert comparison_weeks(make_run(), champion, np.array([200706, 200708, 200709], np.int32)).tolist() == [200709]


def test_a_test_window_that_was_learned_from_is_refused_even_without_a_champion(make_run: MakeRun) -> None:
    leaking = Windows(Span.of([200701, 200707]), test=Span.of([200707, 200708]))
    decision = decide(make_run(windows=leaking), SETTINGS)
    assert not decision.promoted
    assert decision.reasons == ("its test window starts in week 200707, but it learned from weeks up to 200707",)


def test_too_few_baskets_are_no_comparison(make_run: MakeRun) -> None:
    decision = _judged(make_run, _comparison(0.95, 0.90, n=1999))
    assert decision.reasons == ("1999 baskets to compare on, 2000 are needed",)
    assert _judged(make_run, _comparison(0.95, 0.90, n=2000)).promoted


def test_no_later_basket_is_no_comparison(make_run: MakeRun) -> None:
    decision = _judged(make_run, None)
    assert not decision.promoted
    assert decision.reasons == ("no labelled basket is later than week 200706, up to which the two models learned",)


def test_a_champion_is_not_compared_with_itself(make_run: MakeRun) -> None:
    itself = replace(_comparison(0.95, 0.95), candidate="champion")
    decision = decide(make_run("champion"), SETTINGS, champion=make_run("champion"), comparison=itself)
    assert not decision.promoted
    assert "champion already" in decision.reasons[0]


def test_a_bound_drawn_with_laxer_settings_is_refused(make_run: MakeRun) -> None:
    comparison = _comparison(0.95, 0.90)
    lax = replace(comparison, result=replace(comparison.result, confidence=0.51))
    assert _judged(make_run, lax).reasons == ("the bound was drawn with other settings than those in force",)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"accuracy": 0.7499}, "accuracy 0.7499 is below its floor of 0.7500"),
        ({"macro_f1": 0.6999}, "macro F1 0.6999 is below its floor of 0.7000"),
        ({"precision": 0.6499}, "precision of LA 0.6499 is below its floor of 0.6500"),
        ({"accuracy": float("nan")}, "accuracy nan is below its floor of 0.7500"),
    ],
)
def test_figures_below_a_floor_are_refused_whatever_the_champion(
    make_run: MakeRun, figures: dict[str, float], reason: str
) -> None:
    alone = decide(make_run("candidate", **figures), SETTINGS)
    beside = decide(
        make_run("candidate", **figures), SETTINGS, champion=make_run("champion"), comparison=_comparison(0.95, 0.90)
    )
    for decision in (alone, beside):
        assert not decision.promoted
        assert decision.reasons[0] == reason


def test_without_a_champion_the_floors_decide(make_run: MakeRun) -> None:
    at_the_floors = make_run(accuracy=0.75, macro_f1=0.70, precision=0.65)
    assert decide(at_the_floors, SETTINGS).promoted
    strict = GateSettings(basket=Floors(accuracy=0.99))
    assert not decide(make_run(), strict).promoted


def test_other_tasks_must_beat_always_mm_at_the_lower_bound(make_run: MakeRun) -> None:
    def flat(bound: float) -> RunRecord:
        return make_run(
            task=Task.FLAT, accuracy=0.54, macro_f1=0.44, intervals={"macro_f1": Interval(0.2, 0.5, bound, 0.95)}
        )

    assert decide(flat(0.2301), SETTINGS).promoted
    refused = decide(flat(0.23), SETTINGS)
    assert refused.reasons == ("macro F1 is at least 0.2300, not above the 0.2300 of always_mm",)


def test_an_override_is_recorded_beside_what_failed(make_run: MakeRun) -> None:
    override = Override("Ada", "the old model is broken in store 7")
    decision = _judged(make_run, _comparison(0.90, 0.95), override=override)
    assert decision.promoted
    assert decision.override == override
    assert decision.reasons[0].startswith("macro F1 differs by -0.0468 from champion")


def test_an_override_that_was_not_needed_leaves_no_trace(make_run: MakeRun) -> None:
    assert _judged(make_run, _comparison(0.95, 0.90), override=Override("Ada", "in a hurry")).override is None


@pytest.mark.parametrize(("who", "reason"), [("", "why not"), ("Ada", " ")])
def test_an_override_needs_a_name_and_a_reason(who: str, reason: str) -> None:
    with pytest.raises(UsageError, match="a name and a reason"):
        Override(who, reason)


def _leakage(*leaks: str) -> Leakage:
    return Leakage(leaks, 600, 300, Twin(0.82, 0.43, 6400, 1000))


def test_a_candidate_that_leaks_is_refused_however_good_it_is(make_run: MakeRun) -> None:
    leaking = make_run("candidate", leakage=_leakage("feature a depends on the label", "column b is a copy of it"))
    decision = decide(leaking, SETTINGS, champion=make_run("champion"), comparison=_comparison(0.99, 0.90))
    assert not decision.promoted
    assert decision.reasons == ("it leaks: feature a depends on the label; column b is a copy of it",)


def test_a_candidate_without_a_leak_passes_and_says_so(make_run: MakeRun) -> None:
    decision = decide(make_run(leakage=_leakage()), SETTINGS)
    assert decision.promoted
    assert "the leakage guard found nothing in 600 baskets learned from and 300 held out" in decision.reasons


def test_only_the_candidate_is_searched_for_leaks(make_run: MakeRun) -> None:
    clean, leaking = make_run("candidate"), make_run("champion", leakage=_leakage("column b is a copy of the label"))
    assert decide(clean, SETTINGS, champion=leaking, comparison=_comparison(0.95, 0.90)).promoted
    flipped = replace(_comparison(0.95, 0.90), candidate="champion", champion="candidate")
    assert not decide(leaking, SETTINGS, champion=clean, comparison=flipped).promoted


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"leakage": None}, "the leakage guard was not asked about this run: train again"),
        ({"behaviour": ()}, "its behaviour was not tried: train again"),
    ],
)
def test_what_was_not_looked_for_is_not_taken_for_absent(
    make_run: MakeRun, missing: dict[str, object], reason: str
) -> None:
    assert decide(make_run(**missing), SETTINGS).reasons == (reason,)


def test_a_candidate_that_behaves_wrongly_is_refused(make_run: MakeRun) -> None:
    order, direction = Trial("the order of lines changes nothing", 300, 0.5, 1.0), Trial("direction", 300, 0.9, 0.8)
    refused = decide(make_run(behaviour=(order, direction)), SETTINGS)
    assert refused.reasons == (
        "its behaviour is wrong, this does not hold: the order of lines changes nothing (50.0%, at least 100%)",
    )
    passed = decide(make_run(behaviour=(replace(order, share=1.0), direction)), SETTINGS)
    assert passed.promoted
    assert "it passed 2 trials of its behaviour" in passed.reasons


def test_a_trial_that_could_not_be_tried_does_not_count_against(make_run: MakeRun) -> None:
    assert decide(make_run(behaviour=(Trial("direction", 0, 1.0, 0.8),)), SETTINGS).promoted
