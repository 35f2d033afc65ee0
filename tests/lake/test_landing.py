"""Files that cannot be trusted are refused with a code, a reason and a mend, and stay; all others are read, whatever
their shape.
"""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_forecast.domain.columns import HEADERS
from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.accounts import IngestReport

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
Content = Callable[[Path], dict[str, list[str]]]
NAMES = HEADERS[0]


def _renamed(text: str) -> bytes:
    return text.replace("SPEND", "AMOUNT", 1).encode()


FAULTS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "a column less": ("MISSING_COLUMN", lambda t: t.replace(",STORE_REGION", "", 1).encode()),
    "a column renamed": ("MISSING_COLUMN", _renamed),
    "a column whose name no table can carry": (
        "UNKNOWN_HEADER",
        lambda t: t.replace("SPEND", "SPEND,DISC OUNT", 1).encode(),
    ),
    "a column twice": ("UNKNOWN_HEADER", lambda t: t.replace("STORE_REGION", "STORE_REGION,SPEND", 1).encode()),
    "one column under both names": (
        "UNKNOWN_HEADER",
        lambda t: t.replace("seg_1", "seg_1,CUST_PRICE_SENSITIVITY").encode(),
    ),
    "no header": ("UNKNOWN_HEADER", lambda t: t.split("\n", 1)[1].encode()),
    "another table": ("UNKNOWN_HEADER", lambda _: b"shop_week,date_from,date_to\n200607,20060410,20060416\n"),
    "a spreadsheet's numbers": ("SCIENTIFIC_BASKET_ID", lambda t: t.replace("994200607000002", "9.94E+14").encode()),
    "the same in quotes": ("SCIENTIFIC_BASKET_ID", lambda t: t.replace("994200607000002", '"9.94E+14"').encode()),
    "a broken transfer": ("TRUNCATED_GZIP", lambda t: gzip.compress(t.encode())[:-40]),
    "a lost trailer": ("TRUNCATED_GZIP", lambda t: gzip.compress(t.encode())[:-4]),
    "a flipped byte": ("UNREADABLE", lambda t: (z := gzip.compress(t.encode()))[:-6] + bytes([z[-6] ^ 1]) + z[-5:]),
    "bytes behind the gzip": ("UNREADABLE", lambda t: gzip.compress(t.encode()) + b"the rest of something"),
    "bytes behind it that could begin another": (
        "TRUNCATED_GZIP",
        lambda t: gzip.compress(t.encode()) + b"\x1f\x8b\x08\x00",
    ),
    "nothing": ("EMPTY_FILE", lambda _: b""),
    "nothing, packed": ("EMPTY_FILE", lambda _: gzip.compress(b"")),
    "empty lines": ("EMPTY_FILE", lambda _: b"\n\n"),
    "a header alone": ("EMPTY_FILE", lambda t: t.split("\n", 1)[0].encode()),
    "a header and a line's end": ("EMPTY_FILE", lambda t: (t.split("\n", 1)[0] + "\n").encode()),
    "semicolons": ("WRONG_DELIMITER", lambda t: t.replace(",", ";").encode()),
    "tabs": ("WRONG_DELIMITER", lambda t: t.replace(",", "\t").encode()),
    "latin-1": ("NOT_UTF8", lambda t: t.replace("Top Up", "Çà et là").encode("latin-1")),
    "latin-1 in a broken line": ("NOT_UTF8", lambda t: (t + "é,é\n").encode("latin-1")),
    "utf-16": ("NOT_UTF8", lambda t: t.encode("utf-16")),
    "a workbook": ("UNREADABLE", lambda _: b"PK\x03\x04" + bytes(200)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_is_refused(name: str, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    code, damage = FAULTS[name]
    good = write(tmp_path / "in" / "a.csv", make_rows(200609))
    bad = write(tmp_path / "in" / "b.csv", make_rows(200607))
    bad.write_bytes(damage(bad.read_text()))
    before = bad.read_bytes()
    report = take(tmp_path / "lake", bad, good)
    (refusal,) = report.refused
    assert (refusal.code, refusal.file) == (code, str(bad))
    assert refusal.reason
    assert refusal.mend
    assert bad.read_bytes() == before
    assert (report.files, report.rows_silver, report.rows_quarantined) == (1, 24, 0), "the other file goes on"
    assert report.weeks == (200609,)


def test_only_refused_files_leave_no_state(tmp_path: Path, write: Write, make_rows: MakeRows, take: Take) -> None:
    bad = write(tmp_path / "a.csv", make_rows(), names=NAMES[1:])
    report = take(tmp_path / "lake", bad)
    assert (report.files, report.state, report.versions) == (0, None, {})
    assert not list((tmp_path / "lake").glob("raw/*"))


@pytest.mark.parametrize(
    "shape",
    [
        {"names": HEADERS[1]},
        {"names": NAMES[::-1]},
        {"names": (*HEADERS[1][11:], *HEADERS[1][:11])},
        {"newline": "\r\n"},
        {"newline": "\r"},
        {"newline": "\n\n"},
        {"mark": True},
        {"quoted": True},
        {"zipped": True},
        {"mark": True, "quoted": True, "newline": "\r\n", "names": HEADERS[1], "zipped": True},
    ],
    ids=str,
)
def test_the_shape_of_a_file_does_not_matter(
    shape: dict[str, object], tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    take(tmp_path / "plain", write(tmp_path / "a.csv", make_rows()))
    take(tmp_path / "shaped", write(tmp_path / "b.csv", make_rows(), **shape))
    plain, shaped = content(tmp_path / "plain"), content(tmp_path / "shaped")
    assert shaped["gold"] == plain["gold"]
    assert [row.rsplit("'SOURCE'")[0] for row in shaped["silver"]] == [
        row.rsplit("'SOURCE'")[0] for row in plain["silver"]
    ]
    assert shaped["quarantine"] == []


def test_a_gzip_of_several_members(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", make_rows())
    payload = file.read_bytes()
    file.write_bytes(gzip.compress(payload[:500]) + gzip.compress(payload[500:]))
    assert take(tmp_path / "lake", file).rows_silver == 24


def test_a_last_line_without_its_end_counts(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", make_rows())
    file.write_bytes(file.read_bytes().rstrip())
    assert take(tmp_path / "lake", file).rows_silver == 24


@pytest.mark.parametrize("source", ["nothing.csv", "*.parquet", "empty"])
def test_a_source_that_names_nothing(source: str, tmp_path: Path, take: Take) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file is there"):
        take(tmp_path / "lake", tmp_path / source)


def test_folders_and_patterns_name_files_once(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    weeks = (200607, 200609, 200610)
    for week in weeks:
        write(tmp_path / "in" / f"{week}.csv.gz", make_rows(week))
    (tmp_path / "in" / "README.md").write_text("not a till file")
    report = take(tmp_path / "lake", tmp_path / "in", tmp_path / "in" / "*09.csv.gz", tmp_path / "in" / "200607.csv.gz")
    assert (report.files, report.weeks, report.unchanged) == (3, weeks, ())
