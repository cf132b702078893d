"""What a pickle says about tensors, checked before anything is allocated.

A storage is a run of numbers of one type; a tensor is a window on it. Both are only claims until
they are found to fit the bytes that are really in the file.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from mia_demo.convert.restricted_pickle import Builder, Name

MAX_SIZE = 2**40  # numbers along a dimension, or from one to the next
MAX_DIMENSIONS = 8

STORAGE_TYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class StorageClaim:
    """A storage: its type, its length in elements, and the key of its bytes in the file."""

    dtype: torch.dtype
    length: int
    key: str

    @property
    def bytes(self) -> int:
        return self.length * self.dtype.itemsize


@dataclass(frozen=True)
class TensorClaim:
    """A tensor: a window on a storage that lies inside of it and is not larger than it."""

    storage: StorageClaim
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.storage.dtype.itemsize

    def __post_init__(self) -> None:
        if not isinstance(self.storage, StorageClaim):
            raise TypeError("a tensor without a storage")
        numbers = (self.offset, *self.shape, *self.stride)
        if any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError("a negative size")
        if max(numbers) > MAX_SIZE:
            raise ValueError("a size beyond any memory")
        if len(self.shape) != len(self.stride) or len(self.shape) > MAX_DIMENSIONS:
            raise ValueError("sizes and strides differ")
        elements, last = 1, self.offset
        for size, step in zip(self.shape, self.stride, strict=True):
            elements *= size
            last += (size - 1) * step
        if elements and max(last + 1, elements) > self.storage.length:
            raise ValueError("a tensor that is larger than its storage")


def storage_claim(identity: Any) -> StorageClaim:
    """The storage that a persistent id of torch describes."""
    # The fourth is the device it was saved on, the sixth an old kind of window that is not used.
    kind, numbers, key, _, length, *window = identity
    if kind != "storage" or window not in ([], [None]) or not isinstance(numbers, Name):
        raise ValueError("not a storage")
    if type(length) is not int or length < 0 or not isinstance(key, str):
        raise ValueError("a storage without a size")
    return StorageClaim(STORAGE_TYPES[numbers.name], length, key)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> TensorClaim:
    return TensorClaim(storage, offset, tuple(shape), tuple(stride))


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _type_only(*_: Any) -> None:
    raise TypeError("a type of storage that is called")


def _ordered_dict(pairs: Any = ()) -> OrderedDict[Any, Any]:
    if pairs:
        raise ValueError("filled otherwise than by SETITEMS")
    return OrderedDict()


TENSOR_NAMES: Mapping[str, Builder] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    **dict.fromkeys(STORAGE_TYPES, _type_only),
}
