"""A network's loss and a step of its training, compiled by JAX for whatever processor it finds."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from recommenders.neural.network import Array, Batch, Network, Params, keep

Batched = tuple[Array, Array, Array, Array]


def loss(network: Network, dropout: float, params: Params, batch: Batched, key: Any) -> Array:
    """Return the mean of −ln softmax of what came next, against the drawn items, whose sum stands for all others.

    Args: key: of what is left out by chance; None: nothing is.
    """
    inputs, targets, drawn, corrections = batch
    calls = iter(range(1 << 30))

    def drop(x: Array) -> Array:
        kept = jax.random.bernoulli(jax.random.fold_in(key, next(calls)), 1 - dropout, x.shape)
        return jnp.where(kept, x / (1 - dropout), 0.0)

    states = network.states(jnp, params, inputs, keep if key is None or not dropout else drop)
    vectors, wanted = states.reshape(-1, states.shape[-1]), targets.reshape(-1)
    own = network.own(jnp, params, vectors, jnp.maximum(wanted, 0))
    others = network.scores(jnp, params, vectors, drawn) + corrections
    others = jnp.where(wanted[:, None] == drawn[None, :], -1e9, others)
    losses = jnp.logaddexp(own, jax.nn.logsumexp(others, axis=1)) - own  # side by side they take twice as long
    known = wanted >= 0
    return (losses * known).sum() / jnp.maximum(known.sum(), 1)


def _step(
    network: Network, dropout: float, params: Params, state: Any, batch: Batched, key: Any, rate: float
) -> tuple[Params, Any, Array]:
    value, slope = jax.value_and_grad(loss, argnums=2)(network, dropout, params, batch, key)
    changes, state = optax.adam(rate).update(slope, state)
    return optax.apply_updates(params, changes), state, value


compiled_step: Any = jax.jit(_step, static_argnums=(0, 1))
compiled_loss: Any = jax.jit(loss, static_argnums=(0, 1))


def begun(params: Params) -> Any:
    """Return what Adam remembers before its first step."""
    return optax.adam(0.0).init(params)


def leaves(state: Any) -> list[Array]:
    """Return what Adam remembers as arrays."""
    return jax.tree.leaves(state)


def restored(params: Params, arrays: list[Array]) -> Any:
    """Return what Adam remembers of arrays as ``leaves`` gave them."""
    return jax.tree.unflatten(jax.tree.structure(begun(params)), arrays)


def key_of(seed: int, number: int) -> Any:
    """Return the key of one step's chance, by XLA's own generator: JAX's takes a third of a step of ``sasrec``."""
    return jax.random.fold_in(jax.random.key(seed, impl="rbg"), number)


def parts(batch: Batch) -> Batched:
    """Return the batch as what compiled functions take."""
    return batch.inputs, batch.targets, batch.drawn, batch.corrections
