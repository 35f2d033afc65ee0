"""The peer of `retail-forecast ingest`: a plain pandas script that emits the same silver, gold and quarantine.

Written as a good analyst would: text columns in, vectorised rules, one pass over the frame for each, lists of lines
built from offsets and not by a loop, Delta tables out. It keeps everything in memory, takes nothing back when
interrupted and knows no earlier state. Usage: python pandas_ingest.py OUT_FOLDER FILE...; prints one JSON document
with the counts.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake
from numpy.typing import NDArray

NULLABLE = ["CUST_CODE", "seg_1", "seg_2"]
PATTERNS = {
    "PROD_CODE": r"PRD\d{7}",
    "PROD_CODE_10": r"CL\d{5}",
    "PROD_CODE_20": r"DEP\d{5}",
    "PROD_CODE_30": r"G\d{5}",
    "PROD_CODE_40": r"D\d{5}",
    "CUST_CODE": r"CUST\d{10}",
    "BASKET_ID": r"\d{15}",
    "STORE_CODE": r"STORE\d{5}",
    "STORE_REGION": r"[ENSW]\d{2}",
}
CATEGORIES = {
    "seg_1": ["AZ", "CT", "BG", "DY"],
    "seg_2": ["AT", "BU", "CZ", "DI", "EQ", "FN"],
    "BASKET_SIZE": ["S", "M", "L"],
    "BASKET_PRICE_SENSITIVITY": ["LA", "MM", "UM", "XX"],
    "BASKET_TYPE": ["Small Shop", "Top Up", "Full Shop", "XX"],
    "BASKET_DOMINANT_MISSION": ["Fresh", "Grocery", "Mixed", "Nonfood", "XX"],
    "STORE_FORMAT": ["LS", "MS", "SS", "XLS"],
}
BOUNDS = {
    "SHOP_WEEK": (190001, 999952),
    "SHOP_WEEKDAY": (1, 7),
    "SHOP_HOUR": (0, 23),
    "QUANTITY": (1, 1_000_000),
    "SPEND": (0, 9_999_999),
}
LINKS = [
    ("PROD_CODE", "PROD_CODE_10", "R_TREE"),
    ("PROD_CODE_10", "PROD_CODE_20", "R_TREE"),
    ("PROD_CODE_20", "PROD_CODE_30", "R_TREE"),
    ("PROD_CODE_30", "PROD_CODE_40", "R_TREE"),
    ("STORE_CODE", "STORE_FORMAT", "R_STORE_FORMAT"),
    ("STORE_CODE", "STORE_REGION", "R_STORE_REGION"),
]
LINE = {
    "QUANTITY": "quantity",
    "SPEND": "spend_gbp",
    "PROD_CODE": "prod_code",
    "PROD_CODE_10": "prod_code_10",
    "PROD_CODE_20": "prod_code_20",
    "PROD_CODE_30": "prod_code_30",
    "PROD_CODE_40": "prod_code_40",
}
HEAD = {
    "SHOP_DATE": "shop_date",
    "SHOP_HOUR": "shop_hour",
    "CUST_CODE": "customer",
    "seg_1": "seg_1",
    "seg_2": "seg_2",
    "BASKET_ID": "basket_id",
    "BASKET_TYPE": "type",
    "BASKET_DOMINANT_MISSION": "mission",
    "STORE_CODE": "store_code",
    "STORE_FORMAT": "store_format",
    "STORE_REGION": "store_region",
    "BASKET_PRICE_SENSITIVITY": "label",
    "SHOP_WEEK": "shop_week",
}
BASKET = [c for c in HEAD if c not in {"BASKET_ID", "SHOP_WEEK"}] + ["BASKET_SIZE", "SHOP_WEEKDAY"]
EPOCH = pd.Timestamp("2006-02-27")


def read(paths: list[str]) -> pd.DataFrame:
    frames = []
    for path in paths:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.insert(0, "ROW", np.arange(2, len(frame) + 2))
        frame.insert(0, "FILE", Path(path).name)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def judge(raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Typed columns, and a mask of bad rows for each rule."""
    typed, bad = raw[["FILE", "ROW"]].copy(), {}
    for column in raw.columns[2:]:
        text = raw[column]
        empty = text == ""
        if column not in NULLABLE:
            bad[f"R_NULL_{column}"] = empty
        if column in BOUNDS:
            number = pd.to_numeric(text, errors="coerce")
            hundredths = number * 100
            odd = (hundredths - hundredths.round()).abs() > 1e-6
            number = number.where(~odd if column == "SPEND" else number == number.round())
            bad[f"R_TYPE_{column}"] = number.isna() & ~empty
            bad[f"R_DOMAIN_{column}"] = number.notna() & ~number.between(*BOUNDS[column])
            typed[column] = number.where(number.between(*BOUNDS[column]))
        elif column == "SHOP_DATE":
            day = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
            bad["R_TYPE_SHOP_DATE"] = day.isna() & ~empty
            typed[column] = day
        else:
            good = text.isin(CATEGORIES[column]) if column in CATEGORIES else text.str.fullmatch(PATTERNS[column])
            bad[f"R_DOMAIN_{column}"] = ~good & ~empty
            typed[column] = text.where(good)
    bad |= between_fields(typed, bad)
    return typed, bad | between_rows(typed, bad)


def any_of(masks: Iterable[pd.Series]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_or.reduce([mask.to_numpy(bool) for mask in masks])
    return found


def between_fields(rows: pd.DataFrame, bad: dict[str, pd.Series]) -> dict[str, pd.Series]:
    weeks = (rows.SHOP_DATE - EPOCH).dt.days // 7
    week = (2006 + weeks // 52) * 100 + weeks % 52 + 1
    weekday = (rows.SHOP_DATE.dt.day_of_week + 1) % 7 + 1
    return {
        "R_WEEK": (week != rows.SHOP_WEEK) & week.notna() & rows.SHOP_WEEK.notna(),
        "R_WEEKDAY": (weekday != rows.SHOP_WEEKDAY) & weekday.notna() & rows.SHOP_WEEKDAY.notna(),
        "R_XX": ((rows.BASKET_TYPE == "XX") != (rows.BASKET_DOMINANT_MISSION == "XX"))
        & rows.BASKET_TYPE.notna()
        & rows.BASKET_DOMINANT_MISSION.notna(),
        "R_ANONYMOUS": (rows.CUST_CODE.isna() != rows.seg_1.isna())
        & ~bad["R_DOMAIN_CUST_CODE"]
        & ~bad["R_DOMAIN_seg_1"],
    }


def between_rows(rows: pd.DataFrame, bad: dict[str, pd.Series]) -> dict[str, pd.Series]:
    open_week = any_of(m for code, m in bad.items() if code == "R_WEEK" or code.endswith(("SHOP_WEEK", "SHOP_DATE")))
    placed = ~open_week & rows.BASKET_ID.notna()
    keys = rows[["BASKET_ID", "PROD_CODE"]].assign(faulty=any_of(bad.values()))[placed & rows.PROD_CODE.notna()]
    repeated = keys.sort_values("faulty", kind="stable").duplicated(["BASKET_ID", "PROD_CODE"])
    found: dict[str, pd.Series] = {"R_DUPLICATE": repeated.reindex(rows.index, fill_value=False)}
    described = {f"R_{what}_{c}" for what in ("NULL", "TYPE", "DOMAIN") for c in (*BASKET, "BASKET_ID", "SHOP_WEEK")}
    unreadable = any_of(m for code, m in bad.items() if code in described)
    heads = rows.loc[placed & ~unreadable, ["BASKET_ID", "SHOP_WEEK", *BASKET]].drop_duplicates()
    split = heads.loc[heads.duplicated(["BASKET_ID", "SHOP_WEEK"]), "BASKET_ID"].dropna()
    found["R_BASKET"] = rows.BASKET_ID.isin(split) & placed
    places = rows.loc[placed, ["BASKET_ID", "SHOP_WEEK"]].drop_duplicates()
    in_several = places.loc[places.duplicated("BASKET_ID"), "BASKET_ID"].dropna()
    found["R_SPAN"] = rows.BASKET_ID.isin(in_several) & placed
    for child, parent, code in LINKS:
        votes = rows.groupby([child, parent], observed=True).size().reset_index(name="n")
        ranked = (
            votes.sort_values(["n", parent], ascending=[False, True]).drop_duplicates(child).set_index(child)[parent]
        )
        wrong = (rows[child].map(ranked) != rows[parent]) & rows[child].notna() & rows[parent].notna()
        found[code] = found.get(code, False) | wrong
    faulty = any_of((bad | found).values())
    baskets = pd.DataFrame({"id": rows.BASKET_ID, "items": rows.QUANTITY, "size": rows.BASKET_SIZE, "bad": faulty})
    sums = baskets.groupby("id").agg(items=("items", "sum"), size=("size", "first"), bad=("bad", "any"))
    expected = np.select([sums["items"] <= 2, sums["items"] <= 9], ["S", "M"], "L")
    found["R_SIZE"] = rows.BASKET_ID.isin(sums.index[(sums["size"] != expected) & ~sums["bad"]])
    return found


def silver_table(rows: pd.DataFrame) -> pa.Table:
    whole = {c: "int32" for c in BOUNDS if c != "SPEND"}
    table = pa.Table.from_pandas(
        rows.drop(columns=["ROW"]).rename(columns={"FILE": "SOURCE"}).astype(whole), preserve_index=False
    )
    dates = table["SHOP_DATE"].cast(pa.timestamp("s")).cast(pa.date32())
    table = table.set_column(table.column_names.index("SHOP_DATE"), "SHOP_DATE", dates)
    money = table["SPEND"].cast(pa.decimal128(17, 2), safe=False).cast(pa.decimal128(9, 2))
    return table.set_column(table.column_names.index("SPEND"), "SPEND", money)


def gold_table(silver: pa.Table, rows: pd.DataFrame, incomplete: set[str]) -> pa.Table:
    """One row a basket; `silver` and `rows` are sorted by basket and product."""
    starts = np.flatnonzero(~rows.BASKET_ID.duplicated().to_numpy())
    lines = pa.StructArray.from_arrays([silver[c].combine_chunks() for c in LINE], list(LINE.values()))
    nested = pa.ListArray.from_arrays(pa.array(np.append(starts, len(rows)).astype(np.int32)), lines)
    heads = silver.select(list(HEAD)).take(pa.array(starts)).rename_columns(list(HEAD.values()))
    complete = ~rows.BASKET_ID.iloc[starts].isin(incomplete).to_numpy()
    return heads.append_column("complete", pa.array(complete)).append_column("lines", nested)


def quarantine_table(
    raw: pd.DataFrame, typed: pd.DataFrame, bad: dict[str, pd.Series], wrong: NDArray[np.bool_]
) -> pa.Table:
    masks = {code: mask[wrong].to_numpy(bool) for code, mask in bad.items()}
    texts = raw[wrong]
    reasons = [[code for code, mask in masks.items() if mask[i]] for i in range(len(texts))]
    return pa.table(
        {
            "file": texts.FILE.to_list(),
            "row_number": texts.ROW.to_list(),
            "text": [",".join(row) for row in texts.iloc[:, 2:].itertuples(index=False)],
            "reasons": pa.array(reasons, pa.list_(pa.string())),
            "basket_id": pa.array(typed.BASKET_ID[wrong].to_list(), pa.string(), from_pandas=True),
            "shop_week_text": pa.array(texts.SHOP_WEEK.to_list(), pa.string()),
        }
    )


def main(out: Path, paths: list[str]) -> dict[str, int]:
    raw = read(paths)
    typed, bad = judge(raw)
    wrong = any_of(bad.values())
    rows = typed[~wrong].sort_values(["BASKET_ID", "PROD_CODE"], ignore_index=True)
    silver = silver_table(rows)
    gold = gold_table(silver, rows, set(typed.BASKET_ID[wrong].dropna()))
    quarantine = quarantine_table(raw, typed, bad, wrong)
    write_deltalake(out / "silver", silver, partition_by=["STORE_REGION", "BASKET_TYPE"])
    write_deltalake(out / "gold", gold, partition_by=["store_region", "type"])
    write_deltalake(out / "quarantine", quarantine)
    return {
        "rows_read": len(raw),
        "rows_silver": len(silver),
        "rows_quarantined": len(quarantine),
        "baskets": len(gold),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
