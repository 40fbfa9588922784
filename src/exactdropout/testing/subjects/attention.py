"""Attention as a layer on its scores: keys and values are the identity, so that the output is the masked weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["attention_weights"]


def attention_weights(attend: Callable[..., Any] | None = None) -> Callable[[float], Callable[..., Any]]:
    """Return a factory of q for ``model="attention"``: an attention function of PyTorch as a layer on scores.

    ``attend(query, key, value, dropout_p=q)`` is ``torch.nn.functional.scaled_dot_product_attention`` by default. With
    query √n·x and the identity of size n as keys and values it answers softmax(x)·m/p, n the last dimension of x.

    >>> from exactdropout import testing as xt
    >>> report = xt.assert_dropout(xt.attention_weights(), "3/10", model="attention")    # doctest: +SKIP
    """

    def factory(q: float) -> Callable[..., Any]:
        def layer(x: Any, training: bool = True) -> Any:
            import torch

            function = torch.nn.functional.scaled_dot_product_attention if attend is None else attend
            n = x.shape[-1]
            one = torch.eye(n, dtype=x.dtype, device=x.device)[None, None]
            query = (x.reshape(-1, n) * n**0.5)[None, None]
            return function(query, one, one, dropout_p=q if training else 0.0).reshape(x.shape)

        return layer

    return factory
