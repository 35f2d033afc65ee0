"""Baskets read back: from gold in a fixed order, and from files that ask for predictions, whatever their labels."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from retail_forecast.domain.columns import COLUMNS, HEADERS
from retail_forecast.domain.errors import DataError, FileRefused, PlaceError, UsageError
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.kernel.lines import HEADER, LEVELS, MOMENTS, Baskets
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.reading import baskets_from_arrow, read_gold, read_lines
from retail_forecast.lake.state import LakeState, LakeStates

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]

NAMES = HEADERS[0]
SETTINGS = LakeSettings()


def latest(root: Path) -> LakeState:
    state = LakeStates(root).latest()
    assert state is not None
    return state


def spelled(baskets: Baskets) -> list[dict[str, object]]:
    """Every basket in words, for comparison."""
    header = {name: getattr(baskets, name).to_list() for name in HEADER}
    codes = {name: getattr(baskets, name).to_list() for name in LEVELS}
    spans = list(zip(baskets.offsets[:-1], baskets.offsets[1:], strict=True))
    return [
        {name: words[i] for name, words in header.items()}
        | {name: words[a:b] for name, words in codes.items()}
        | {name: int(getattr(baskets, name)[i]) for name in MOMENTS}
        | {"quantity": baskets.quantity[a:b].tolist(), "pence": baskets.spend_pence[a:b].tolist()}
        for i, (a, b) in enumerate(spans)
    ]


@pytest.fixture
def root(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> Path:
    later = make_rows(200611, baskets=5)
    later[2] |= {"SPEND": "x"}
    take(tmp_path / "lake", write(tmp_path / "b.csv", later), write(tmp_path / "a.csv", make_rows(200607, baskets=7)))
    return tmp_path / "lake"


def test_gold_comes_in_order_of_week_and_basket(root: Path) -> None:
    found = read_gold(root, latest(root))
    ids = found.baskets.basket_id.to_list()
    assert ids == sorted(str(name) for name in ids)
    assert found.shop_week.tolist() == [200607] * 7 + [200611] * 5
    assert found.complete.tolist() == [*[True] * 7, False, *[True] * 4]
    assert [LABELS[i] for i in found.label] == [("LA", "MM", "UM", "XX")[i % 4] for i in (*range(7), *range(5))]
    assert [str(found.label.dtype), str(found.shop_week.dtype)] == ["int8", "int32"]


def test_gold_of_some_weeks(root: Path) -> None:
    assert read_gold(root, latest(root), [200611]).shop_week.tolist() == [200611] * 5
    nothing = read_gold(root, latest(root), [200612])
    assert (len(nothing.baskets), len(nothing.label)) == (0, 0)


def test_the_layout_of_the_files_does_not_matter(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    """Folds of customers, and all else that is made by positions, are the same wherever the rows of the lake lie."""
    weeks = [make_rows(week, baskets=9) for week in (200607, 200608, 200609)]
    files = [write(tmp_path / f"{rows[0]['SHOP_WEEK']}.csv", rows) for rows in weeks]
    take(tmp_path / "once", *files)
    for file in files[::-1]:
        take(tmp_path / "steps", file)
    once, steps = (read_gold(root, latest(root)) for root in (tmp_path / "once", tmp_path / "steps"))
    assert spelled(once.baskets) == spelled(steps.baskets)
    for name in (*HEADER, *LEVELS):
        first, second = getattr(once.baskets, name), getattr(steps.baskets, name)
        assert first.values == second.values == tuple(sorted(first.values))
        assert first.index.tolist() == second.index.tolist()


def test_gold_that_is_not_there(root: Path) -> None:
    (root / "gold").rename(root / "elsewhere")
    with pytest.raises(PlaceError, match="gold cannot be read"):
        read_gold(root, latest(root))


def test_gold_and_the_file_give_the_same_baskets(root: Path, tmp_path: Path) -> None:
    gold = read_gold(root, latest(root), [200607]).baskets
    assert spelled(read_lines([tmp_path / "a.csv"], SETTINGS)) == spelled(gold)
    assert gold.spend_pence[:2].tolist() == [5, 115]


def test_slices_and_missing_columns_of_arrow() -> None:
    line = pa.struct([("quantity", pa.int32()), ("spend_gbp", pa.float64()), ("prod_code", pa.string())])
    rows = [
        [],
        [{"quantity": 2, "spend_gbp": 0.29, "prod_code": "b"}, {"quantity": 1, "spend_gbp": 1.1, "prod_code": None}],
        [],
    ]
    found = baskets_from_arrow(pa.table({"lines": pa.array(rows, pa.list_(line))}).slice(1))
    assert found.offsets.tolist() == [0, 2, 2]
    assert found.spend_pence.tolist() == [29, 110]
    assert found.prod_code.to_list() == ["b", None]
    assert found.prod_code_10.to_list() == [None, None]
    assert found.customer.to_list() == [None, None]


@pytest.mark.parametrize(
    "shape",
    [
        {"names": HEADERS[1]},
        {"names": NAMES[::-1], "quoted": True, "mark": True},
        {"names": tuple(n for n in NAMES if n != "BASKET_PRICE_SENSITIVITY"), "zipped": True},
    ],
    ids=["other header", "reversed", "no label"],
)
def test_the_shape_of_a_request_file_does_not_matter(
    shape: dict[str, object], tmp_path: Path, make_rows: MakeRows, write: Write
) -> None:
    plain = read_lines([write(tmp_path / "a.csv", make_rows())], SETTINGS)
    assert spelled(read_lines([write(tmp_path / "b.csv", make_rows(), **shape)], SETTINGS)) == spelled(plain)


@pytest.mark.parametrize(
    "labels", [("UM", "LA", "XX", "MM"), ("", "?", "LA", "\u00e9")], ids=["permuted", "not labels"]
)
def test_labels_do_not_matter(labels: Sequence[str], tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    rows = make_rows()
    plain = read_lines([write(tmp_path / "a.csv", rows)], SETTINGS)
    other = [row | {"BASKET_PRICE_SENSITIVITY": labels[i % 4]} for i, row in enumerate(rows)]
    assert spelled(read_lines([write(tmp_path / "b.csv", other)], SETTINGS)) == spelled(plain)


def test_four_columns_are_enough(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    names = ("SPEND", "BASKET_ID", "PROD_CODE", "QUANTITY")
    found = read_lines([write(tmp_path / "a.csv", make_rows(), names=names)], SETTINGS)
    assert len(found) == 6
    assert found.quantity.sum() == 36
    assert set(found.store_code.to_list()) == set(found.prod_code_20.to_list()) == {None}


def test_other_columns_are_left_unread(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("note,BASKET_ID,PROD_CODE,QUANTITY,SPEND\nhello,994100100000001,PRD0900001,1,0.5\n")
    assert read_lines([file], SETTINGS).spend_pence.tolist() == [50]


def test_baskets_come_in_order_of_first_appearance_with_lines_by_product(
    tmp_path: Path, make_rows: MakeRows, write: Write
) -> None:
    rows = make_rows(baskets=5)
    mixed = [rows[i] for i in (13, 2, 14, 3, 0, 12, 1, 15)]
    files = [write(tmp_path / "a.csv", mixed[:5]), write(tmp_path / "b.csv", mixed[5:])]
    found = read_lines(files, SETTINGS)
    assert found.basket_id.to_list() == [rows[13]["BASKET_ID"], rows[0]["BASKET_ID"]]
    assert found.prod_code.to_list() == sorted(r["PROD_CODE"] for r in rows[12:16]) + sorted(
        r["PROD_CODE"] for r in rows[:4]
    )


def test_rows_that_cannot_be_read_are_named(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    rows = make_rows()
    for i in range(3, 11):
        rows[i] |= {"QUANTITY": "two"}
    rows[1] |= {"BASKET_ID": ""}
    file = write(tmp_path / "asked.csv", rows, extra=("a,b",))
    with pytest.raises(DataError) as caught:
        read_lines([file], SETTINGS)
    text = str(caught.value)
    assert "10 places" in text
    assert "asked.csv row 3: BASKET_ID is ''" in text
    assert "asked.csv row 5: QUANTITY is 'two'" in text
    assert "row 9" not in text, "the first five and a count"
    assert caught.value.exit_code == 3


def test_empty_fields_that_only_describe_are_allowed(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    rows = [row | {"STORE_CODE": "", "PROD_CODE": "", "BASKET_TYPE": ""} for row in make_rows()]
    found = read_lines([write(tmp_path / "a.csv", rows)], SETTINGS)
    assert set(found.store_code.to_list()) == set(found.prod_code.to_list()) == {None}


@pytest.mark.parametrize("missing", ["BASKET_ID", "PROD_CODE", "QUANTITY", "SPEND"])
def test_a_needed_column_that_is_missing(missing: str, tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    file = write(tmp_path / "a.csv", make_rows(), names=tuple(n for n in NAMES if n != missing))
    with pytest.raises(FileRefused, match=missing) as caught:
        read_lines([file], SETTINGS)
    assert caught.value.code == "MISSING_COLUMN"


def test_a_column_that_stands_twice(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    with pytest.raises(FileRefused, match="twice"):
        read_lines([write(tmp_path / "a.csv", make_rows(), names=(*NAMES, "CUST_PRICE_SENSITIVITY"))], SETTINGS)


def test_a_request_file_without_rows(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_lines([write(tmp_path / "a.csv", [])], SETTINGS)


def _as_json(row: Row) -> dict[str, object]:
    line = {c.field: row[c.name] for c in COLUMNS if c.field.startswith("prod_code")}
    return {**line, "quantity": int(row["QUANTITY"]), "spend_gbp": float(row["SPEND"])}


def test_json_baskets_give_the_same_as_lines(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    rows = make_rows(baskets=4)
    documents = []
    for start in range(0, 16, 4):
        header: dict[str, object] = {c.field: rows[start][c.name] or None for c in COLUMNS if c.field in HEADER}
        day = rows[start]["SHOP_DATE"]
        header |= {"shop_date": f"{day[:4]}-{day[4:6]}-{day[6:]}", "shop_hour": int(rows[start]["SHOP_HOUR"])}
        documents.append({**header, "lines": [_as_json(row) for row in rows[start : start + 4][::-1]]})
    file = tmp_path / "asked.txt"
    file.write_text("\n".join(map(json.dumps, documents)) + "\n\n")
    assert spelled(read_lines([file], SETTINGS)) == spelled(read_lines([write(tmp_path / "a.csv", rows)], SETTINGS))


def test_json_lines_that_are_no_baskets_are_named(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text('{"lines":[]}\n{"lines":[{"quantity":0,"spend_gbp":1}]}\n{"lines"\n')
    with pytest.raises(DataError, match=r"2 places.*asked.jsonl row 2.*row 3"):
        read_lines([file], SETTINGS)


def test_both_kinds_at_once_are_refused(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    (tmp_path / "b.jsonl").write_text('{"lines":[]}\n')
    with pytest.raises(UsageError):
        read_lines([write(tmp_path / "a.csv", make_rows()), tmp_path / "b.jsonl"], SETTINGS)
    with pytest.raises(UsageError):
        read_lines([], SETTINGS)
