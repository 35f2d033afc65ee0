"""Compares the price table with AWS's public Price List; no account is needed.

python aws/script/prices.py          ends with 1 when the list has another price, several, or none
python aws/script/prices.py --write  takes the list's prices over, with the day of today
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from retail_forecast.clouds.aws.pricelist import LISTS, compare, renewed
from retail_forecast.clouds.aws.prices import read_prices, write_prices
from retail_forecast.domain.errors import RetailForecastError

TABLE = Path(__file__).parents[1] / "cost/prices.json"


def main() -> int:
    """Compare, and write where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--lists", default=LISTS, help="where the lists are published")
    given = parser.parse_args()
    try:
        table = read_prices(given.table)
        compared = compare(table, given.lists)
        if given.write:
            write_prices(given.table, renewed(table, compared, datetime.now(UTC).date()))
    except RetailForecastError as error:
        print(f"{error}; {error.mend}", file=sys.stderr)
        return error.exit_code
    differing = [each for each in compared if not each.agrees]
    for each in differing:
        print(each)
    print(f"{len(compared)} of {len(table.prices)} prices stand in the list, {len(differing)} differ")
    unknown = [each for each in differing if len(each.found) != 1]
    return int(bool(unknown if given.write else differing))


if __name__ == "__main__":
    sys.exit(main())
