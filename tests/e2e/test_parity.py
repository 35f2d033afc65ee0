"""Parity: whoever answers, a batch, a server or another one, has the same features and gives the same answer."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import GROUPS
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.kernel.rows import rows_of
from retail_forecast.lake.columnar import baskets_from_arrow, baskets_to_arrow
from retail_forecast.lake.reading import read_gold
from retail_forecast.pipeline.knowledge import known_to
from retail_forecast.pipeline.parity import differences
from retail_forecast.pipeline.replay import Replayed, replay
from retail_forecast.pipeline.workspace import bundle_path, lake_path, lake_state
from retail_forecast_server.process import serving

Verb = Callable[..., tuple[int, dict[str, Any]]]
Fixture = tuple[Path, dict[str, Any]]
TASKS = tuple(map(str, Task))


@pytest.fixture(scope="module")
def champions(trained: Fixture, verb_in: Verb, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A workspace with a champion for each task, and their runs."""
    workspace = tmp_path_factory.mktemp("parity") / "workspace"
    shutil.copytree(trained[0], workspace)
    runs = {"basket": trained[1]["run_id"]}
    for task in ("coarse", "flat", "arrival"):
        code, document = verb_in(workspace, "train", "--task", task, "--model", "logistic")
        assert code == 0
        runs[task] = document["run_id"]
    for run in runs.values():
        words = ("promote", run, "--override-by", "tests", "--override-reason", "parity is not about quality")
        assert verb_in(workspace, *words)[0] == 0
    return workspace, runs


@pytest.fixture(scope="module")
def replicas(champions: tuple[Path, dict[str, str]]) -> Iterator[tuple[str, str]]:
    """Two servers, started separately."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serving(champions[0])) for _ in range(2))  # type: ignore[misc]


def bundle_of(champions: tuple[Path, dict[str, str]], task: str) -> Bundle:
    return load_bundle(bundle_path(champions[0], champions[1][task]))


products = st.integers(0, 199).map(lambda n: f"PRD{n:07d}")
groups = st.one_of(st.none(), st.integers(0, 30).map(lambda n: f"CL{n:05d}"))
lines = st.builds(
    Line,
    quantity=st.integers(1, 99),
    spend_gbp=st.integers(0, 99_999).map(lambda pence: pence / 100),
    prod_code=products,
    prod_code_10=groups,
    prod_code_20=st.one_of(st.none(), st.just("DEP00001")),
    prod_code_30=st.one_of(st.none(), st.just("G00001")),
)
baskets = st.builds(
    Basket,
    lines=st.lists(lines, min_size=1, max_size=7).map(tuple),
    basket_id=st.one_of(st.none(), st.just("994110500233340")),
    shop_date=st.one_of(st.none(), st.integers(0, 200).map(lambda days: EPOCH + timedelta(days))),
    shop_hour=st.one_of(st.none(), st.integers(0, 23)),
    store_code=st.one_of(st.none(), st.integers(1, 25).map(lambda n: f"STORE{n:05d}")),
    store_region=st.one_of(st.none(), st.sampled_from(["E01", "N03"])),
    store_format=st.one_of(st.none(), st.sampled_from(["LS", "a new one"])),
    customer=st.one_of(st.none(), st.integers(1, 250).map(lambda n: f"CUST{n:010d}")),
    seg_1=st.one_of(st.none(), st.sampled_from(["AZ", "BG"])),
    type=st.one_of(st.none(), st.sampled_from(["Top Up", "something else"])),
    mission=st.one_of(st.none(), st.just("Fresh")),
)


def customers_of(bundle: Bundle) -> list[str]:
    """Customers that the model knows."""
    assert bundle.history is not None
    tables = dict(zip((group.name for group in GROUPS), bundle.history.tables, strict=True))
    return sorted(tables["customer"].rows)


def wrong(bundle: Bundle, rows: list[Basket], told: Replayed) -> dict[str, int]:
    """How many baskets the server answers otherwise than a batch that came as a table."""
    batch = bundle.predict(baskets_from_arrow(baskets_to_arrow(baskets_from_rows(rows))))
    features = bundle.predict_rows(rows).features
    found = differences(batch, told, bundle.manifest.run_id, bundle.manifest.weights, features)
    return {name: int(which.sum()) for name, which in found.items() if which.any()}


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=12)
@given(rows=st.lists(baskets, min_size=1, max_size=9), seed=st.integers(0, 99))
def test_arbitrary_baskets(
    champions: tuple[Path, dict[str, str]], replicas: tuple[str, str], task: str, rows: list[Basket], seed: int
) -> None:
    bundle, rng = bundle_of(champions, task), np.random.default_rng(seed)
    if task == "arrival":
        known = customers_of(bundle)
        rows = [
            msgspec.structs.replace(row, customer=row.customer and known[int(row.customer[-3:]) % len(known)])
            for row in rows
        ]
    repeated = [*rows, msgspec.structs.replace(rows[0], lines=rows[0].lines * 3)]
    shuffled = [
        msgspec.structs.replace(row, lines=tuple(row.lines[i] for i in rng.permutation(len(row.lines))))
        for row in repeated
    ]
    one, other = (replay(url, Task(task), asked) for url, asked in zip(replicas, (repeated, repeated), strict=True))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.label, other.label)
    assert wrong(bundle, repeated, one) == {}
    mixed = bundle.predict_rows(shuffled)
    if task != "flat":
        np.testing.assert_array_equal(
            mixed.features.view(np.uint32), bundle.predict_rows(repeated).features.view(np.uint32)
        )
    alone = replay(replicas[1], Task(task), repeated[-1:])
    np.testing.assert_allclose(alone.probabilities[0], one.probabilities[-1], rtol=0, atol=1e-6)


def test_baskets_without_lines_are_answered_alike_where_they_are_answered(
    champions: tuple[Path, dict[str, str]], replicas: tuple[str, str]
) -> None:
    empty = [Basket((), customer="CUST0000000003", shop_date=EPOCH + timedelta(150)), Basket(())]
    told = [replay(url, Task.ARRIVAL, empty) for url in replicas]
    np.testing.assert_array_equal(told[0].probabilities, told[1].probabilities)
    assert wrong(bundle_of(champions, "arrival"), empty, told[0]) == {}
    for url in replicas:
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"{url}/v1/predict", b'{"lines": []}', {"Content-Type": "application/json"}))  # noqa: S310
        assert refused.value.code == 422
        refused.value.close()


def test_a_basket_comes_back_from_columns_as_it_went_in() -> None:
    rows = [
        Basket((Line(2, 1.15, "PRD0000001", "CL00001"), Line(1, 0.0)), shop_date=EPOCH, shop_hour=0, customer="C1"),
        Basket(()),
        Basket((Line(1, 99999.99, "PRD0000002"),), basket_id="994110500233340", seg_2="DI", type="XX"),
    ]  # fmt: skip
    assert rows_of(baskets_from_rows(rows)) == rows


def test_the_audit_agrees_for_every_task(champions: tuple[Path, dict[str, str]], verb_in: Verb) -> None:
    code, told = verb_in(champions[0], "features", "audit", "--baskets", "700")
    assert (code, told["agrees"]) == (0, True)
    assert [one["task"] for one in told["tasks"]] == list(TASKS)
    for one in told["tasks"]:
        assert (one["baskets"], one["other_history"], set(one["differences"].values())) == (700, 0, {0})
        assert set(one["differences"]) == {"model", "label", "probabilities", "unknown_share", "features"}


def test_the_audit_finds_another_model(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tiny_bundle: tuple[Path, str]
) -> None:
    with serving(bundle=tiny_bundle[0]) as url:
        words = ("features", "audit", "--baskets", "50", "--task", "basket", "--url", url)
        code, told = verb_in(champions[0], *words)
    assert (code, told["agrees"]) == (3, False)
    (found,) = told["tasks"]
    assert found["differences"]["model"] == 50
    assert found["differences"]["probabilities"] > 0
    assert "features" not in found["differences"], "those of a server elsewhere are not seen"
    assert len(found["examples"]) == 5


def test_the_server_follows_what_becomes_known(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(champions[0], workspace)
    bundle = bundle_of(champions, "arrival")
    learned = bundle.manifest.last_learned_week
    asked = [Basket((), customer=code, shop_hour=9) for code in customers_of(bundle)[:90]]
    with serving(workspace, settings={"SNAPSHOT_POLL_S": "0.05"}) as url:
        before = replay(url, Task.ARRIVAL, asked)
        assert set(before.history_week.tolist()) == {learned}
        assert history_of(url) == {"source": "bundle", "weeks": [learned], "sha256": None}
        code, told = verb_in(workspace, "features", "materialize")
        assert code == 0
        made = told["snapshot"]
        assert (made["model_version"], len(made["weeks"])) == (champions[1]["arrival"], 2)
        followed = next(one for one in (history_of(url) for _ in range(5000)) if one["source"] == "snapshot")
        assert followed == {"source": "snapshot", "weeks": [learned, *made["weeks"]], "sha256": made["sha256"]}
        after = replay(url, Task.ARRIVAL, asked)
        assert set(after.history_week.tolist()) == {made["weeks"][-1]}
        assert not np.array_equal(after.probabilities, before.probabilities)
        words = ("features", "audit", "--baskets", "300", "--task", "arrival", "--url", url)
        code, told = verb_in(workspace, *words)
    (found,) = told["tasks"]
    assert (code, found["baskets"] + found["other_history"]) == (0, 300)
    assert found["baskets"] > 100


def history_of(url: str) -> dict[str, Any]:
    with urlopen(f"{url}/model") as response:  # noqa: S310
        models = json.load(response)["models"]
    found: dict[str, Any] = next(one["history"] for one in models if one["task"] == "arrival")
    return found


def test_a_snapshot_of_another_model_is_not_followed(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(champions[0], workspace)
    assert verb_in(workspace, "features", "materialize")[1]["snapshot"] is not None
    latest = workspace / "features" / "snapshot" / "latest.json"
    entry = msgspec.json.decode(latest.read_bytes())
    for changed, source in (
        ({}, "snapshot"),
        ({"bundle_digest": "0" * 64}, "bundle"),
        ({"sha256": "0" * 64}, "bundle"),
    ):
        latest.write_bytes(msgspec.json.encode(entry | changed))
        with serving(workspace) as url:
            assert history_of(url)["source"] == source


@pytest.mark.parametrize("task", TASKS)
def test_the_lake_is_answered_as_its_baskets_are(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path, task: str
) -> None:
    workspace, output = champions[0], tmp_path / "answers.parquet"
    code, told = verb_in(workspace, "predict", "--task", task, "--output", str(output))
    assert (code, told["model_version"]) == (0, champions[1][task])
    state, bundle = lake_state(workspace), bundle_of(champions, task)
    gold = known_to(bundle, workspace, state, load_settings(workspace), read_gold(lake_path(workspace), state))
    found, wanted = pq.read_table(output), bundle.predict(gold.baskets)
    assert found["basket_id"].to_pylist() == gold.baskets.basket_id.to_list()
    assert told["baskets"] == len(found) == 12 * 500
    for number, label in enumerate(("LA", "MM", "UM", "XX")):
        np.testing.assert_allclose(found[f"p_{label}"].to_numpy(), wanted.probabilities[:, number], rtol=0, atol=1e-6)
    assert found["label"].to_pylist() == [str(LABELS[label]) for label in wanted.label]


@pytest.mark.parametrize("task", TASKS)
def test_which_weeks_are_asked_for_makes_no_difference(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path, task: str
) -> None:
    weeks, last = sorted(lake_state(champions[0]).weeks), bundle_of(champions, task).manifest.last_learned_week
    assert weeks[0] < last < weeks[-1], "some are learned from, and some are not"
    bounds = {"all": (), "learned": ("--to-week", str(last)), "later": ("--from-week", str(last + 1))}
    for name, chosen in bounds.items():
        words = ("predict", "--task", task, *chosen, "--output", str(tmp_path / f"{name}.parquet"))
        assert verb_in(champions[0], *words)[0] == 0
    told = {name: pq.read_table(tmp_path / f"{name}.parquet") for name in bounds}
    parts = pa.concat_tables([told["learned"], told["later"]])
    for name in ("basket_id", "label", "unknown_share"):
        assert parts[name].equals(told["all"][name])
    for label in LABELS:
        found, wanted = (table[f"p_{label}"].to_numpy() for table in (parts, told["all"]))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@pytest.mark.parametrize("task", ["basket", "arrival"])
def test_spark_answers_the_same_rows(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path, task: str
) -> None:
    weeks = ("--from-week", "200610", "--to-week", "200624")
    for engine, name in (("duckdb", "here.csv"), ("spark", "there.csv")):
        words = ("predict", "--task", task, "--engine", engine, *weeks, "--output", str(tmp_path / name))
        assert verb_in(champions[0], *words)[0] == 0
    here, there = ((tmp_path / name).read_bytes() for name in ("here.csv", "there.csv"))
    assert here == there
    assert here.count(b"\n") > 3000


def test_an_output_that_cannot_be_written_is_said_to_be_so(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    code, told = verb_in(champions[0], "predict", "--output", str(tmp_path / "file" / "answers.csv"))
    assert (code, told["error"]["where"]) == (5, str(tmp_path / "file" / "answers.csv"))


@pytest.mark.parametrize(
    "words",
    [
        ("--from-week", "200901"),
        ("FILE", "--from-week", "200610"),
        ("FILE", "--engine", "spark"),
    ],
)
def test_what_cannot_be_answered_in_a_batch_is_refused(
    champions: tuple[Path, dict[str, str]], verb_in: Verb, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "baskets.jsonl").write_text("")
    given = [str(tmp_path / "baskets.jsonl") if word == "FILE" else word for word in words]
    assert verb_in(champions[0], "predict", *given, "--output", str(tmp_path / "answers.csv"))[0] == 2
    assert not (tmp_path / "answers.csv").exists()
