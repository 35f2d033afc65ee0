"""The contract of a till file: its 22 columns, one definition for validation, tables, documentation and the API's
schema.

Two header variants are in circulation; they differ in the names and codes of the two customer segments, and both are
read into the same silver columns (`seg_1`, `seg_2`), with the codes of the variant that dunnhumby's documentation
explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["COLUMNS", "HEADERS", "PARTITIONS", "PRIMARY_KEY", "Column", "Kind", "Level", "column"]


class Kind(StrEnum):
    """How a column's text is read."""

    INTEGER = "integer"
    MONEY = "money"
    DATE = "date"
    CODE = "code"
    CATEGORY = "category"


class Level(StrEnum):
    """What a column describes; above `LINE`, its value is constant within one basket."""

    LINE = "line"
    PRODUCT = "product"
    BASKET = "basket"
    CUSTOMER = "customer"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a till file.

    Attributes
    ----------
    name : name in the header and in silver
    kind : how the text is read
    level : what the column describes
    description : what it means, for people
    unit : of a number, empty for codes
    nullable : whether the text may be empty
    minimum, maximum : inclusive bounds of a number
    pattern : regular expression that a whole code matches
    values : the allowed categories
    alias : the name in the other header variant
    alias_values : codes of the other variant -> the codes kept in silver
    field : name in `Basket` or `Line`; empty when the value is derived there
    """

    name: str
    kind: Kind
    level: Level
    description: str
    unit: str = ""
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    values: tuple[str, ...] = ()
    alias: str = ""
    alias_values: Mapping[str, str] = field(default_factory=dict)
    field: str = ""


_SEGMENT_1 = {"LA": "AZ", "MM": "CT", "UM": "BG", "XX": "DY"}
_SEGMENT_2 = {"YA": "AT", "OT": "BU", "OA": "CZ", "YF": "DI", "OF": "EQ", "PE": "FN"}

# fmt: off
COLUMNS: tuple[Column, ...] = (
    Column("SHOP_WEEK", Kind.INTEGER, Level.BASKET, "fiscal week YYYYWW; weeks start on Monday, 52 a year, not ISO", minimum=190001, maximum=999952),
    Column("SHOP_DATE", Kind.DATE, Level.BASKET, "day of the shopping trip, YYYYMMDD", field="shop_date"),
    Column("SHOP_WEEKDAY", Kind.INTEGER, Level.BASKET, "day of the week, 1 = Sunday .. 7 = Saturday", minimum=1, maximum=7),
    Column("SHOP_HOUR", Kind.INTEGER, Level.BASKET, "hour in which the basket was paid", unit="h", minimum=0, maximum=23, field="shop_hour"),
    Column("QUANTITY", Kind.INTEGER, Level.LINE, "items of the product in the basket", unit="items", minimum=1, maximum=1_000_000, field="quantity"),
    Column("SPEND", Kind.MONEY, Level.LINE, "money paid for the line (product x quantity)", unit="GBP", minimum=0, maximum=9_999_999, field="spend_gbp"),
    Column("PROD_CODE", Kind.CODE, Level.LINE, "product", pattern=r"PRD\d{7}", field="prod_code"),
    Column("PROD_CODE_10", Kind.CODE, Level.PRODUCT, "product group, level 1 (finest of four)", pattern=r"CL\d{5}", field="prod_code_10"),
    Column("PROD_CODE_20", Kind.CODE, Level.PRODUCT, "product group, level 2", pattern=r"DEP\d{5}", field="prod_code_20"),
    Column("PROD_CODE_30", Kind.CODE, Level.PRODUCT, "product group, level 3", pattern=r"G\d{5}", field="prod_code_30"),
    Column("PROD_CODE_40", Kind.CODE, Level.PRODUCT, "product group, level 4 (coarsest)", pattern=r"D\d{5}", field="prod_code_40"),
    Column("CUST_CODE", Kind.CODE, Level.BASKET, "customer; empty for an anonymous basket", nullable=True, pattern=r"CUST\d{10}", field="customer"),
    Column(
        "seg_1", Kind.CATEGORY, Level.CUSTOMER, "customer's price-sensitivity segment: AZ = LA, CT = MM, BG = UM, DY = XX; empty exactly for anonymous baskets",
        nullable=True, values=tuple(_SEGMENT_1.values()), alias="CUST_PRICE_SENSITIVITY", alias_values=_SEGMENT_1, field="seg_1",
    ),
    Column(
        "seg_2", Kind.CATEGORY, Level.CUSTOMER, "customer's life stage: AT = YA, BU = OT, CZ = OA, DI = YF, EQ = OF, FN = PE",
        nullable=True, values=tuple(_SEGMENT_2.values()), alias="CUST_LIFESTAGE", alias_values=_SEGMENT_2, field="seg_2",
    ),
    Column("BASKET_ID", Kind.CODE, Level.BASKET, "basket, 15 digits; embeds the week, so as a number it leaks time", pattern=r"\d{15}", field="basket_id"),
    Column("BASKET_SIZE", Kind.CATEGORY, Level.BASKET, "from the total QUANTITY: 1-2 S, 3-9 M, 10 and more L", values=("S", "M", "L")),
    Column("BASKET_PRICE_SENSITIVITY", Kind.CATEGORY, Level.BASKET, "THE LABEL: LA high, MM medium, UM low price sensitivity, XX unclassified", values=("LA", "MM", "UM", "XX")),
    Column("BASKET_TYPE", Kind.CATEGORY, Level.BASKET, "kind of shopping trip; XX exactly where the mission is XX", values=("Small Shop", "Top Up", "Full Shop", "XX"), field="type"),
    Column("BASKET_DOMINANT_MISSION", Kind.CATEGORY, Level.BASKET, "main purpose of the trip", values=("Fresh", "Grocery", "Mixed", "Nonfood", "XX"), field="mission"),
    Column("STORE_CODE", Kind.CODE, Level.BASKET, "store", pattern=r"STORE\d{5}", field="store_code"),
    Column("STORE_FORMAT", Kind.CATEGORY, Level.STORE, "format of the store", values=("LS", "MS", "SS", "XLS"), field="store_format"),
    Column("STORE_REGION", Kind.CODE, Level.STORE, "region of the store", pattern=r"[ENSW]\d{2}", field="store_region"),
)

# fmt: on

HEADERS: tuple[tuple[str, ...], ...] = (
    tuple(c.name for c in COLUMNS),
    tuple(c.alias or c.name for c in COLUMNS),
)
"""The two header variants, as they stand in the files."""

PRIMARY_KEY = ("BASKET_ID", "PROD_CODE")
"""Identifies a line."""

PARTITIONS = ("STORE_REGION", "BASKET_TYPE")
"""Columns that silver and gold are partitioned by."""

_BY_NAME = {name: c for c in COLUMNS for name in (c.name, c.alias) if name}


def column(name: str) -> Column:
    """The column called `name` in either header variant.

    Raises
    ------
    KeyError : no column has that name
    """
    return _BY_NAME[name]
