"""The weights in a checkpoint: where training programs put them, and under which prefixes."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mia_demo.convert.claims import TensorClaim
from mia_demo.convert.restricted_pickle import printable
from mia_demo.errors import ConversionError

# In this order: a generator's moving average before its raw weights, which look worse; a
# classifier as it was trained before its average, since its stated accuracy is the former's.
NESTED_AS = (
    *("g_ema", "G_ema", "generator"),
    *("model_state_dict", "state_dict", "model", "net", "network"),
    *("params_ema", "params", "state_dict_ema", "model_ema", "ema_state_dict", "ema"),
)
MAX_NESTING = 3
# Of wrappers: parallel training, compilation, averaging, Lightning modules.
PREFIXES = (
    *("module.", "_orig_mod.", "model.", "net.", "network.", "backbone."),
    *("generator.", "g_ema.", "G_ema.", "netG.", "ema_model."),
)
AVERAGED_PREFIX = "ema_model."  # beside the raw weights, in one state_dict
COUNTERS = ("n_averaged", "initted", "step")  # of wrappers that average

Claims = Mapping[str, TensorClaim | Tensor]


def find_state_dict(content: Any, source: str) -> Claims:
    """The state_dict in what a file holds, under the network's own names.

    Raises:
        ConversionError: there is none.
    """
    for _ in range(MAX_NESTING):
        if isinstance(content, dict):
            nested = (content[key] for key in NESTED_AS if isinstance(content.get(key), dict))
            content = next(nested, content)
    if not isinstance(content, dict) or not content:
        raise ConversionError(f"{source} holds no state_dict; save one with torch.save.")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, TensorClaim | Tensor):
            raise ConversionError(
                f"{source} holds no plain state_dict: {printable(str(key)[:200])} is not a tensor."
            )
    return _plain_names(content)


def _plain_names(claims: Claims) -> Claims:
    averaged = {k: v for k, v in claims.items() if k.startswith(AVERAGED_PREFIX)}
    plain = averaged or {k: v for k, v in claims.items() if k not in COUNTERS} or dict(claims)
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in plain)), None):
        plain = {key.removeprefix(prefix): value for key, value in plain.items()}
    return plain
