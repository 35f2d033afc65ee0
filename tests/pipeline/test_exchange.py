"""Baskets and answers as lines: what a server reads, and what is refused of what it says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.errors import PlaceError
from retail_forecast.kernel.lines import Baskets, baskets_from_rows
from retail_forecast.pipeline.exchange import read_answers, write_lines

LINE = Line(2, 1.25, "PRD0900001", "CL00001", "DEP00001", "G00001")
ADDRESS = "s3://artifacts/scoring/x.jsonl.out"


@pytest.fixture
def baskets() -> Baskets:
    """Two baskets of somebody."""
    whose: dict[str, Any] = {"customer": "CUST0000000001", "seg_1": "CT", "seg_2": "DI", "store_region": "N02"}
    return baskets_from_rows([Basket((LINE,), basket_id=f"99410010000000{n}", **whose) for n in range(2)])


def answer(basket_id: str, **other: Any) -> dict[str, Any]:
    shares = {"LA": 0.1, "MM": 0.2, "UM": 0.7, "XX": 0.0}
    told = {"basket_id": basket_id, "label": "UM", "sensitivity": "Low", "probabilities": shares, "unknown_share": 0.5}
    return {**told, "task": "basket", "model_version": "x"} | other


def written(file: Path, *answers: dict[str, Any]) -> Path:
    file.write_text("\n\n".join(map(json.dumps, answers)) + "\n\n", "utf-8")
    return file


def test_lines_are_baskets_without_whose_they_are(baskets: Baskets, tmp_path: Path) -> None:
    write_lines(baskets, tmp_path / "x.jsonl")
    lines = (tmp_path / "x.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=Basket) for line in lines]
    assert [basket.basket_id for basket in found] == baskets.basket_id.to_list()
    assert {(basket.customer, basket.seg_1, basket.seg_2, basket.store_region) for basket in found} == {
        (None, None, None, "N02")
    }
    assert [basket.lines for basket in found] == [(LINE,), (LINE,)]


def test_answers_become_rows(baskets: Baskets, tmp_path: Path) -> None:
    first, second = baskets.basket_id.to_list()
    file = written(tmp_path / "x.out", answer(str(first)), answer(str(second), label="LA"))
    rows = read_answers(file, baskets, ADDRESS).to_pylist()
    shares = {"p_LA": 0.1, "p_MM": 0.2, "p_UM": 0.7, "p_XX": 0.0, "unknown_share": 0.5}
    assert rows == [{"basket_id": first, "label": "UM", **shares}, {"basket_id": second, "label": "LA", **shares}]


@pytest.mark.parametrize("order", [(1, 0), (0,), (0, 1, 1), (0, 0)])
def test_answers_for_other_baskets_are_refused(baskets: Baskets, tmp_path: Path, order: tuple[int, ...]) -> None:
    names = [str(name) for name in baskets.basket_id.to_list()]
    file = written(tmp_path / "x.out", *(answer(names[n]) for n in order))
    with pytest.raises(PlaceError, match="not those for the baskets") as refused:
        read_answers(file, baskets, ADDRESS)
    assert refused.value.where == ADDRESS


@pytest.mark.parametrize("line", [{"line": 2, "problem": {"title": "Unprocessable"}}, {"basket_id": "1", "label": "?"}])
def test_what_is_no_answer_is_refused(baskets: Baskets, tmp_path: Path, line: dict[str, Any]) -> None:
    file = written(tmp_path / "x.out", answer(str(baskets.basket_id.to_list()[0])), line)
    with pytest.raises(PlaceError, match="one of them is none"):
        read_answers(file, baskets, ADDRESS)
