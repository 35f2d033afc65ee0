"""Searching settings: resumable, and by the validation window alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.domain.errors import DataError, PlaceError
from retail_forecast.models.search import Choice, Range
from retail_forecast.models.tuning import Ask, Best, Objective, Told, search

SPACE = (Range("x", 0.0, 1.0), Range("n", 1, 8, log=True, whole=True), Choice("kind", ("plain", "fancy")))
START = {"x": 0.9, "n": 8, "kind": "plain"}


def peak(chosen: Mapping[str, Any], ask: Ask) -> float | None:
    """Largest at x = 0.3, n = 1."""
    value = 1 - abs(chosen["x"] - 0.3) - chosen["n"] / 100
    return value if ask(0, value) and ask(1, value) else None


def searched(
    folder: Path,
    trials: int,
    told: list[Told] | None = None,
    objective: Objective = peak,
    timeout_s: float | None = None,
) -> Best:
    heard = [] if told is None else told
    return search(
        folder / "tuning.db",
        "study",
        SPACE,
        objective,
        trials=trials,
        timeout_s=timeout_s,
        start=START,
        seed=1,
        tell=heard.append,
    )


def test_the_first_trial_is_the_default_and_the_best_is_no_worse(tmp_path: Path) -> None:
    told: list[Told] = []
    best = searched(tmp_path, 12, told)
    assert told[0].value == pytest.approx(1 - 0.6 - 0.08)
    assert best.value > 0.8
    assert best.value == max(t.value for t in told if t.value is not None) == told[-1].best
    assert set(best.settings) == set(START)


def test_trials_below_the_median_are_stopped_early(tmp_path: Path) -> None:
    told: list[Told] = []
    best = searched(tmp_path, 12, told)
    assert 0 < best.pruned == sum(t.value is None for t in told)
    assert all(t.value is not None for t in told[:4])


def test_an_interrupted_study_goes_on_and_a_finished_one_rests(tmp_path: Path) -> None:
    calls: list[int] = []

    def interrupted(chosen: Mapping[str, Any], ask: Ask) -> float | None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return peak(chosen, ask)

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, 6, objective=interrupted)
    told: list[Told] = []
    best = searched(tmp_path, 6, told)
    assert (len(told), best.trials) == (4, 6)
    again: list[Told] = []
    assert searched(tmp_path, 6, again) == best
    assert again == []


def test_no_time_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trial finished"):
        searched(tmp_path, 3, timeout_s=0)


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "tuning.db").mkdir()
    with pytest.raises(PlaceError, match="cannot be read or kept"):
        searched(tmp_path, 1)
