"""The peer of `retail-forecast ingest` in Polars: one lazy query on the streaming engine for what a row shows by
itself, group-bys for the rest, the same silver, gold and quarantine as Delta tables.

Like the pandas peer it keeps all rows in memory, takes nothing back when interrupted and knows no earlier state.
Usage: python polars_ingest.py OUT_FOLDER FILE...; prints one JSON document with the counts.
"""

import json
import sys
from datetime import date
from pathlib import Path

import polars as pl
from deltalake import write_deltalake
from pandas_ingest import BASKET, BOUNDS, CATEGORIES, HEAD, LINE, LINKS, NULLABLE, PATTERNS

COLUMNS = [*BOUNDS, "SHOP_DATE", *PATTERNS, *CATEGORIES]
SHAPES = {name: r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$" if name == "SPEND" else r"^-?[0-9]{1,18}$" for name in BOUNDS}
EPOCH = date(2006, 2, 27)


def field_rules() -> dict[str, pl.Expr]:
    """Whether each field of a row breaks a rule of its own; text in, one expression a rule."""
    rules: dict[str, pl.Expr] = {}
    for name in COLUMNS:
        text, filled = pl.col(name), pl.col(name) != ""
        if name not in NULLABLE:
            rules[f"R_NULL_{name}"] = ~filled
        if name in PATTERNS:
            rules[f"R_DOMAIN_{name}"] = filled & ~text.str.contains(f"^(?:{PATTERNS[name]})$")
        elif name in CATEGORIES:
            rules[f"R_DOMAIN_{name}"] = filled & ~text.is_in(CATEGORIES[name])
        elif name == "SHOP_DATE":
            rules[f"R_TYPE_{name}"] = filled & text.str.to_date("%Y%m%d", strict=False).is_null()
        else:
            shaped = text.str.contains(SHAPES[name])
            rules[f"R_TYPE_{name}"] = filled & ~shaped
            inside = text.cast(pl.Float64, strict=False).is_between(*BOUNDS[name])
            rules[f"R_DOMAIN_{name}"] = shaped & ~inside
    return rules


def typed() -> dict[str, pl.Expr]:
    """The columns with their types; null where a rule of the field is broken."""
    broken = field_rules()
    kinds: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(BOUNDS, pl.Int32)
    kinds["SPEND"] = pl.Decimal(9, 2)
    columns = {}
    for name in COLUMNS:
        wrong = pl.any_horizontal([rule for code, rule in broken.items() if code.endswith(f"_{name}")])
        text = pl.when(~wrong & (pl.col(name) != "")).then(pl.col(name))
        is_date = name == "SHOP_DATE"
        columns[name] = (
            text.str.to_date("%Y%m%d", strict=False) if is_date else text.cast(kinds.get(name, pl.String), strict=False)
        )
    return columns


def row_rules() -> dict[str, pl.Expr]:
    """Rules between fields of one row, of typed columns; null where a field cannot be read."""
    day, week = pl.col("SHOP_DATE"), pl.col("SHOP_WEEK")
    number = (day - pl.lit(EPOCH)).dt.total_days() // 7
    fiscal = 200601 + (number // 52) * 100 + number % 52
    readable = ~pl.col("_R_DOMAIN_CUST_CODE") & ~pl.col("_R_DOMAIN_seg_1")
    return {
        "R_WEEK": fiscal != week,
        "R_WEEKDAY": day.dt.weekday() % 7 + 1 != pl.col("SHOP_WEEKDAY"),
        "R_XX": (pl.col("BASKET_TYPE") == "XX") != (pl.col("BASKET_DOMINANT_MISSION") == "XX"),
        "R_ANONYMOUS": readable & (pl.col("CUST_CODE").is_null() != pl.col("seg_1").is_null()),
    }


def read(paths: list[str]) -> pl.DataFrame:
    """All rows: typed columns, `_CODE` for each rule of a row, FILE and ROW, and the text as found."""
    lines = pl.concat(
        [
            pl.scan_csv(path, infer_schema=False, empty_string_is_null=False)
            .with_row_index("ROW", offset=2)
            .with_columns(FILE=pl.lit(Path(path).name))
            for path in paths
        ]
    )
    fields = {f"_{code}": rule for code, rule in field_rules().items()}
    text = pl.concat_str(pl.exclude("ROW", "FILE"), separator=",")
    faulty = pl.any_horizontal(list(fields.values()))
    flagged = lines.with_columns(**fields, TEXT=pl.when(faulty).then(text), WEEK_TEXT=pl.col("SHOP_WEEK"))
    rows = flagged.with_columns(**typed())
    return rows.with_columns(**{f"_{code}": rule.fill_null(False) for code, rule in row_rules().items()}).collect(
        engine="streaming"
    )


def several(rows: pl.DataFrame, keys: list[str], names: list[str]) -> pl.DataFrame:
    """The `keys` under which any of `names` has several values."""
    counted = rows.group_by(keys).agg(*(pl.col(name).n_unique() for name in names))
    return counted.filter(pl.any_horizontal([pl.col(name) > 1 for name in names])).select(keys)


def judge(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with `_CODE` for the rules of baskets and of all rows together."""
    own = [name for name in rows.columns if name.startswith("_R_")]
    key = ["SHOP_WEEK", "BASKET_ID"]
    rows = rows.with_columns(bad=pl.any_horizontal(own), order=pl.int_range(pl.len()))
    for child, parent, code in LINKS:
        votes = rows.drop_nulls([child, parent]).group_by(child, parent).len()
        best = votes.sort("len", parent, descending=[True, False]).group_by(child, maintain_order=True).first()
        rows = rows.join(best.select(child, pl.col(parent).alias("best")), on=child, how="left", maintain_order="left")
        wrong = (pl.col("best") != pl.col(parent)).fill_null(False)
        rows = rows.with_columns(
            (pl.col(f"_{code}") | wrong if f"_{code}" in rows.columns else wrong).alias(f"_{code}")
        )
        rows = rows.drop("best")
    placed = rows.filter(~pl.col("_R_WEEK")).drop_nulls(key)
    split = several(placed, key, BASKET).with_columns(_R_BASKET=True)
    spans = several(placed, ["BASKET_ID"], ["SHOP_WEEK"]).with_columns(_R_SPAN=True)
    again = (
        placed.drop_nulls("PROD_CODE").sort("bad", "order").filter(~pl.struct(*key, "PROD_CODE").is_first_distinct())
    )
    rows = rows.join(split, on=key, how="left", maintain_order="left")
    rows = rows.join(spans, on="BASKET_ID", how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("_R_BASKET", "_R_SPAN").fill_null(False))
    rows = rows.with_columns(_R_DUPLICATE=pl.col("order").is_in(again["order"].implode()))
    codes = [name for name in rows.columns if name.startswith("_R_")]
    rows = rows.with_columns(bad=pl.any_horizontal(codes))
    sums = (
        rows.drop_nulls(key)
        .group_by(key)
        .agg(pl.col("QUANTITY").sum(), pl.col("BASKET_SIZE").first(), pl.col("bad").any())
    )
    items = pl.col("QUANTITY")
    expected = pl.when(items <= 2).then(pl.lit("S")).when(items <= 9).then(pl.lit("M")).otherwise(pl.lit("L"))
    missized = sums.filter(~pl.col("bad") & (pl.col("BASKET_SIZE") != expected)).select(key).with_columns(_R_SIZE=True)
    rows = rows.join(missized, on=key, how="left", maintain_order="left").with_columns(
        pl.col("_R_SIZE").fill_null(False)
    )
    return rows.with_columns(bad=pl.col("bad") | pl.col("_R_SIZE"))


def main(out: Path, paths: list[str]) -> dict[str, int]:
    rows = judge(read(paths))
    bad = rows.filter("bad")
    codes = [name for name in rows.columns if name.startswith("_R_")]
    reasons = pl.concat_list([pl.when(code).then(pl.lit(code[1:])) for code in codes]).list.drop_nulls()
    quarantine = bad.select("FILE", "ROW", "TEXT", "BASKET_ID", "WEEK_TEXT", reasons=reasons)
    silver = rows.filter(~pl.col("bad")).select(*COLUMNS, "FILE").sort("BASKET_ID", "PROD_CODE")
    wounded = pl.col("BASKET_ID").is_in(bad["BASKET_ID"].drop_nulls().unique().implode())
    lines = pl.struct([pl.col(column).alias(name) for column, name in LINE.items()]).alias("lines")
    heads = [pl.col(column).first().alias(name) for column, name in HEAD.items() if column != "BASKET_ID"]
    gold = silver.group_by("BASKET_ID", maintain_order=True).agg(*heads, lines).with_columns(complete=~wounded)
    write_deltalake(out / "silver", silver, partition_by=["STORE_REGION", "BASKET_TYPE"])
    write_deltalake(out / "gold", gold.rename({"BASKET_ID": "basket_id"}), partition_by=["store_region", "type"])
    write_deltalake(out / "quarantine", quarantine)
    counts = {"rows_silver": len(silver), "rows_quarantined": len(quarantine), "baskets": len(gold)}
    return {"rows_read": len(rows), **counts}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
