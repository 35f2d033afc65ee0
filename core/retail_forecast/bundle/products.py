"""The product table as files: codes in JSON, values as a plain numpy array. No pickle."""

import io
from pathlib import Path

import msgspec
import numpy as np

from retail_forecast.domain.errors import BundleError
from retail_forecast.kernel.products import VALUES, ProductTable

__all__ = ["CODES", "ROWS", "product_files", "read_products"]

CODES = "products.json"
ROWS = "products.npy"


def product_files(table: ProductTable) -> dict[str, bytes]:
    """The table as the bytes of its two files."""
    array = io.BytesIO()
    np.save(array, table.values, allow_pickle=False)
    codes = {"columns": table.columns, "products": list(table.products), "groups": list(table.groups)}
    return {CODES: msgspec.json.encode(codes), ROWS: array.getvalue()}


def read_products(folder: Path) -> ProductTable:
    """The table in `folder`.

    Raises
    ------
    BundleError : the files do not fit each other or this version
    """
    codes = msgspec.json.decode((folder / CODES).read_bytes())
    values = np.load(folder / ROWS, allow_pickle=False)
    products, groups, columns = codes["products"], codes["groups"], tuple(codes["columns"])
    if columns[-1:] != VALUES[-1:] or values.shape != (len(products) + len(groups) + 1, len(columns)):
        raise BundleError(
            "the product table does not fit this version",
            where=str(folder / ROWS),
            mend="train again with this version",
        )
    rows = {code: row for row, code in enumerate(products)}
    return ProductTable(rows, {code: len(products) + i for i, code in enumerate(groups)}, values, columns)
