"""What training baskets tell of products: which occur, which are XX, and the kernel's table of learned values, laid out
with fall-backs for products and groups that were never seen.

The fall-back row of a group is the mean over its lines in the training baskets, and the last row of the
table the mean over all lines. Where several hosts hold a share of the baskets each, every count is a sum over them.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from retail_forecast.clouds.hosts import ALONE, Hosts, union
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast.kernel.lines import LEVELS, Baskets, Codes
from retail_forecast.kernel.products import ProductTable, quantise

__all__ = ["lay_out", "occurring", "sums_by_code", "unclassified"]

_XX = LABELS.index(Label.XX)


def occurring(baskets: Baskets, hosts: Hosts = ALONE) -> tuple[str, ...]:
    """The p products that occur on any host, sorted."""
    return union(hosts, (baskets.prod_code.values[i] for i in np.unique(baskets.prod_code.index) if i >= 0))


def unclassified(
    baskets: Baskets, label: NDArray[np.int8], rows: NDArray[np.int32], products: int, hosts: Hosts = ALONE
) -> NDArray[np.bool_]:
    """Products of class XX: those that occur in XX baskets, unless baskets of that product alone say otherwise more
    often.

    Parameters
    ----------
    baskets, label : n baskets and their labels, positions in LABELS
    rows : product of each line, -1 where it has none
    products : how many there are
    """
    counts = baskets.line_counts
    groups = label == _XX, (label != _XX) & (counts == 1)
    lines = (rows[np.repeat(group, counts) & (rows >= 0)] for group in groups)
    inside, against = hosts.total(np.stack([np.bincount(found, minlength=products) for found in lines]))
    answer: NDArray[np.bool_] = inside > against
    return answer


def lay_out(
    baskets: Baskets, codes: tuple[str, ...], own: NDArray[np.float64], columns: tuple[str, ...], hosts: Hosts = ALONE
) -> ProductTable:
    """The table of learned values.

    Parameters
    ----------
    baskets : those the values were learned from
    codes : the p products
    own : their values, shape (p, len(columns)), not yet quantised
    columns : names of the values; the last is "is_xx"
    """
    products = {code: row for row, code in enumerate(codes)}
    rows = baskets.prod_code.lookup(products)
    groups: dict[str, int] = {}
    means: list[NDArray[np.float64]] = []
    for level in LEVELS[1:]:
        names, sums = sums_by_code(getattr(baskets, level), rows, own, hosts)
        present = np.flatnonzero(sums[:, -1])
        groups.update({names[i]: len(own) + len(groups) + j for j, i in enumerate(present)})
        means.append(sums[present, :-1] / sums[present, -1:])
    lines = own[rows[rows >= 0]]
    *total, count = hosts.total(np.append(lines.sum(axis=0), len(lines)))
    average = np.array(total) / max(count, 1)  # without a single known line nothing is known of the average one
    values = np.concatenate([own, *means, [average]])
    return ProductTable(products, groups, quantise(values), columns)


def sums_by_code(
    codes: Codes,
    rows: NDArray[np.int32],
    own: NDArray[np.float64],
    hosts: Hosts,
    weight: NDArray[np.float64] | None = None,
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The codes of all hosts, sorted, and for each the sum of `own` over its lines, with their number as the last
    column.

    Parameters
    ----------
    codes : of the m lines
    rows : row of each line in `own`, -1 where it has none; such lines do not count
    weight : how much each line counts, shape (m,); 1 each without
    """
    names = union(hosts, codes.values)
    index = codes.lookup({name: row for row, name in enumerate(names)})
    seen = (rows >= 0) & (index >= 0)
    counts = np.ones(int(seen.sum())) if weight is None else weight[seen]
    matrix = csr_matrix((counts, (index[seen], rows[seen])), shape=(len(names), len(own)))
    return names, hosts.total(np.column_stack([np.asarray(matrix @ own), np.asarray(matrix.sum(axis=1)).ravel()]))
