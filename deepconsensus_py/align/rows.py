"""Rows of tables with few columns, in which NumPy spends most of its time on the bounds of its loops (compiled)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.kernels import kernel


@kernel
def largest(values: NDArray[Any]) -> NDArray[Any]:
    """The largest value of each row ``[n]`` of a table ``[n, columns]`` of at least one column, of the same dtype."""
    found = values[:, 0].copy()
    for row in range(len(values)):
        for column in range(1, values.shape[1]):
            found[row] = max(found[row], values[row, column])
    return found


@kernel
def merged(ours: NDArray[np.float32], theirs: NDArray[np.float32], source: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows of two stacks of tables.

    Args:
        ours: ``float32[tables, rows, columns]``.
        theirs: the same, but for the number of rows.
        source: ``int64[n]`` the row of ``ours`` that each is, or ``-1 - row`` of ``theirs``.

    Returns:
        ``float32[tables, n, columns]``.
    """
    tables, _, columns = ours.shape
    found = np.empty((tables, len(source), columns), np.float32)
    for table in range(tables):
        for row in range(len(source)):
            if source[row] >= 0:
                found[table, row] = ours[table, source[row]]
            else:
                found[table, row] = theirs[table, -1 - source[row]]
    return found
