"""A question to Athena: its answer comes typed and page by page, and what Athena does not do is told.

moto answers with what a test has seeded and reads no table: that a question is understood is not shown here.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.stub import Stubber

from retail_forecast.cli.main import run
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.athena import asked
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.lake.athena import athena_ddl
from retail_forecast.lake.schemas import TABLES

REGION = "ap-southeast-1"
SMALL = ["--weeks", "1", "--baskets-per-week", "20", "--products", "100", "--customers", "10", "--stores", "5"]


def column(name: str, kind: str, precision: int = 0, scale: int = 0) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Precision": precision, "Scale": scale}


def row(*cells: str | None) -> dict[str, Any]:
    return {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in cells]}


COLUMNS = [
    column("label", "varchar"),
    column("baskets", "bigint"),
    column("spend", "decimal", 9, 2),
    column("share", "double"),
    column("complete", "boolean"),
    column("day", "date"),
]
HEADER = row(*(one["Name"] for one in COLUMNS))
ROWS = [row("LA", "12", "3.50", "0.25", "true", "2006-04-10"), row(None, None, None, None, None, None)]


@pytest.fixture
def account() -> Account:
    return Account(Scope("retail-forecast", "dev", REGION))


@pytest.fixture
def athena(account: Account, monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Athena's client, which gives the answers that a test has put in, in order, and checks each call's form."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    stub = Stubber(account.client("athena"))
    stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"})
    stub.activate()
    return stub


def ended(stub: Stubber, state: str, reason: str = "") -> None:
    status = {"State": state, "StateChangeReason": reason} if reason else {"State": state}
    told = {"Status": status, "Statistics": {"DataScannedInBytes": 2_500_000}}
    stub.add_response("get_query_execution", {"QueryExecution": told})


def ask(account: Account, tell: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(account, "wg", "db", "select 1", tell, lambda: None).read_all().to_pylist()
    return found


def test_an_answer_comes_typed_and_page_by_page(account: Account, athena: Stubber) -> None:
    ended(athena, "QUEUED")
    ended(athena, "RUNNING")
    ended(athena, "SUCCEEDED")
    about = {"ColumnInfo": COLUMNS}
    first = {"ResultSet": {"Rows": [HEADER, ROWS[0]], "ResultSetMetadata": about}, "NextToken": "more"}
    athena.add_response("get_query_results", first)
    athena.add_response("get_query_results", {"ResultSet": {"Rows": ROWS, "ResultSetMetadata": about}})
    said: list[str] = []
    rows = ask(account, said.append)
    assert [one["baskets"] for one in rows] == [12, 12, None]
    assert (rows[0]["spend"], rows[0]["share"], rows[0]["complete"]) == (Decimal("3.50"), 0.25, True)
    assert rows[0]["day"].isoformat() == "2006-04-10"
    assert set(rows[2].values()) == {None}
    assert said == ["query q-1 scanned 2.5 MB"]


@pytest.mark.parametrize(
    ("state", "reason", "error", "mend"),
    [
        ("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded", PlaceError, "athena_scan_limit_gb"),
        ("FAILED", "COLUMN_NOT_FOUND: line 1:8: Column 'lable' cannot be resolved", UsageError, "Athena's SQL"),
        ("FAILED", "GENERIC_INTERNAL_ERROR", PlaceError, "repeat"),
    ],
)
def test_a_question_without_an_answer_says_why(
    account: Account, athena: Stubber, state: str, reason: str, error: type[Exception], mend: str
) -> None:
    ended(athena, state, reason)
    with pytest.raises(error, match=reason[:20]) as failed:
        ask(account)
    assert mend in failed.value.mend  # type: ignore[attr-defined]


def put_outputs(workspace: Path, workgroup: str) -> None:
    """A workgroup, and the outputs of an environment that has it."""
    boto3.client("athena", region_name=REGION).create_work_group(
        Name=workgroup, Configuration={"ResultConfiguration": {"OutputLocation": "s3://answers/"}}
    )
    outputs = {
        "name": "retail-forecast-dev",
        "region": REGION,
        "tags": {"Project": "retail-forecast", "Environment": "dev"},
        "private_subnet_ids": [],
        "jobs_security_group_id": "sg-0a1b2c3d",
        **{key: {} for key in ("bucket_names", "kms_key_arns", "ecr_repository_urls")},
        "zone_uris": {"lake": "s3://lake/lake"},
        "sagemaker_role_arn": "arn:aws:iam::123456789012:role/sagemaker",
        "training_limits": {"instance_types": [], "max_seconds": 1},
        "glue_database": "retail_forecast_dev",
        "athena_workgroup": workgroup,
    }
    folder = workspace / "cloud/aws/retail-forecast-dev"
    folder.mkdir(parents=True)
    (folder / "outputs.json").write_text(json.dumps(outputs), "utf-8")


def test_the_verb_asks_in_the_environment(
    aws_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("ENDPOINT_URL", aws_server), ("ACCESS_KEY_ID", "nobody"), ("SECRET_ACCESS_KEY", "nothing")):
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("athena", region_name=REGION)
    put_outputs(tmp_path, "questions")
    seeded = {"rows": [HEADER, ROWS[0]], "column_info": COLUMNS}
    body = json.dumps({"results": [seeded], "region": REGION}).encode()
    with urlopen(Request(f"{aws_server}/moto-api/static/athena/query-results", body)):  # noqa: S310 - a server of ours
        pass
    words = ["sql", "select label from gold", "--workspace", str(tmp_path), "--json"]
    assert run([*words, "--engine", "athena"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["engine"], answer["rows"]) == ("athena", [["LA", 12, 3.5, 0.25, True, "2006-04-10"]])
    assert run([*words, "--engine", "athena", "--state", "1"]) == 2
    assert run([*words, "--engine", "presto"]) == 2
    assert run([*words, "--views"]) == 2
    capsys.readouterr()
    assert run(["sql", "--views", "--workspace", str(tmp_path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["views"]
    assert made[0] == "raw"
    assert set(made) == {"raw", *TABLES}
    sent = [
        client.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Query"]
        for name in client.list_query_executions(WorkGroup="questions")["QueryExecutionIds"]
    ]
    wanted = [statement for statement in athena_ddl("s3://lake/lake") if " VIEW " in statement]
    assert sorted(statement for statement in sent if " VIEW " in statement) == sorted(wanted)


READS_NO_TABLE = "moto answers with what was put in before and reads no table; only an account can show this"


@pytest.mark.parametrize(
    "engine", ["duckdb", pytest.param("athena", marks=pytest.mark.xfail(strict=True, reason=READS_NO_TABLE))]
)
def test_a_question_is_answered_out_of_the_lake(
    engine: str, aws_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("ENDPOINT_URL", aws_server), ("ACCESS_KEY_ID", "nobody"), ("SECRET_ACCESS_KEY", "nothing")):
        monkeypatch.setenv(f"AWS_{name}", value)
    put_outputs(tmp_path, f"{engine}-asked")
    here = ["--workspace", str(tmp_path), "--json"]
    assert run(["simulate", *SMALL, *here]) == 0
    assert run(["ingest", str(tmp_path / "simulated"), *here]) == 0
    capsys.readouterr()
    assert run(["sql", "select count(*) from gold", "--engine", engine, *here]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [[20]]
