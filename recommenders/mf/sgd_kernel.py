"""Stochastic gradient descent over ratings, one at a time in a given order (Koren, Bell, Volinsky 2009, eq. 5)."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def sweep(user, item, rating, order, mean, b_user, b_item, p, q, rate, regularization):  # type: ignore[no-untyped-def]
    """Take one step for each rating, in ``order``, changing biases and factors in place; returns the squared error.

    Args: rating: in units.      p: (users, factors).      q: (items, factors).
    """
    total, factors = 0.0, p.shape[1]
    for at in order:
        u, i = user[at], item[at]
        predicted = mean + b_user[u] + b_item[i]
        for f in range(factors):
            predicted += p[u, f] * q[i, f]
        error = rating[at] - predicted
        total += error * error
        b_user[u] += np.float32(rate * (error - regularization * b_user[u]))
        b_item[i] += np.float32(rate * (error - regularization * b_item[i]))
        for f in range(factors):
            x, y = p[u, f], q[i, f]
            p[u, f] = np.float32(x + rate * (error * y - regularization * x))
            q[i, f] = np.float32(y + rate * (error * x - regularization * y))
    return total
