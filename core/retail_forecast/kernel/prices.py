"""Price keys: a product group with a unit price, which is nearly a product's fingerprint.

Most products keep one unit price for years, so (PROD_CODE_10, unit price) tells much of a line whose product is not
given, or was never seen.
"""

from dataclasses import replace

import numpy as np

from retail_forecast.kernel.lines import Baskets, Codes

__all__ = ["by_price_key", "price_keys"]

_PRICES = 1 << 40


def price_keys(baskets: Baskets) -> Codes:
    """Key of each line, such as "CL00155@101" for 1.01 GBP; missing where the group is.

    The unit price is spend over quantity, rounded half up to whole pence.
    """
    group = baskets.prod_code_10.index.astype(np.int64)
    quantity, spend = np.maximum(baskets.quantity, 1), baskets.spend_pence
    price = (2 * spend + quantity) // (2 * quantity)
    pairs, index = np.unique(np.where(group >= 0, group * _PRICES + price, -1), return_inverse=True)
    absent = int(len(pairs) > 0 and pairs[0] == -1)
    names = baskets.prod_code_10.values
    words = tuple(f"{names[pair // _PRICES]}@{pair % _PRICES}" for pair in pairs[absent:].tolist())
    return Codes(words, (index - absent).astype(np.int32))


def by_price_key(baskets: Baskets) -> Baskets:
    """The same baskets with price keys in the place of products: all that the task `coarse` may look at."""
    return replace(baskets, prod_code=price_keys(baskets))
