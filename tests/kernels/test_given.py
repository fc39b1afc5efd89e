"""What functions take for an array: what lies in memory as one, where it lies; else a copy, or one error that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive
from oracles.extras import torch

TYPES = ("float32", "bfloat16")


def kernel(dtype: str) -> Any:
    return derive.graph("x: [n, m]; y = x + sum(x)").kernel(dtype=dtype)


def base(dtype: str) -> Any:
    return torch.arange(12.0).reshape(3, 4).to(getattr(torch, dtype))


class Exporting:
    """An array of another library, which says where it lies and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", TYPES)
def test_a_tensor_is_read_where_it_lies(dtype: str) -> None:
    module, tensor = kernel(dtype).loaded, base(dtype)
    found = module._array("x", tensor, module.STORED if dtype == "bfloat16" else module.REAL, 2)
    assert (found.ctypes.data, found.shape) == (tensor.data_ptr(), (3, 4))


def test_what_only_exports_its_memory_is_read_where_it_lies() -> None:
    module, x = kernel("float32").loaded, np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.shares_memory(module._array("x", Exporting(x), module.REAL, 2), x)
    np.testing.assert_array_equal(module.forward(Exporting(x)), x + x.sum())


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", TYPES)
def test_other_strides_are_copied_and_nothing_is_written_to(dtype: str) -> None:
    made, tensor = kernel(dtype), base(dtype)
    wide = torch.arange(24.0).reshape(3, 8).to(tensor.dtype)
    for given in (tensor, wide[:, ::2], tensor.T, tensor[:1].expand(5, 4), tensor[:0], torch.nn.Parameter(tensor).detach()):
        before = given.clone()
        np.testing.assert_array_equal(np.float64(made.forward(given)), (given.double() + given.double().sum()).numpy())
        assert torch.equal(given, before)
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    if dtype == "float32":
        for other in (array[::-1], array[:, ::-2], np.asfortranarray(array), np.broadcast_to(array[0], (3, 4))):
            np.testing.assert_array_equal(made.forward(other), other + other.sum())


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", TYPES)
def test_what_cannot_be_read_is_refused_with_the_reason(dtype: str) -> None:
    made, tensor = kernel(dtype), base(dtype)
    for given, message in (
        (tensor.clone().requires_grad_(), r"Tensor is given: .*requires grad.*detach\(\)"),
        (tensor.to("meta"), "Tensor is given: .*meta"),
        (tensor.to_sparse(), "Tensor is given: .*[Ss]parse"),
        (tensor.double(), "float64 is given"),
        (tensor.to(torch.float16), "float16 is given"),
    ):
        with pytest.raises(TypeError, match=f"x is an array of {dtype}, and {message}"):
            made.forward(given)
    with pytest.raises(ValueError, match=r"x has 2 axes, and an array of shape \(\) is given"):
        made.forward(tensor[0, 0])
    with pytest.raises(TypeError, match=f"out is an array of {dtype}, and Tensor is given"):
        made.forward(tensor, out=torch.empty_like(tensor))


@pytest.mark.needs("torch")
def test_a_wrapped_kernel_does_not_write_to_what_it_is_given() -> None:
    apply = derive.graph("x: [n]; y = gelu(x)").kernel(wrap="torch").loaded.Kernel.apply
    x = torch.arange(3.0).requires_grad_()
    upstream = torch.ones(1).expand(3)  # one number for all entries
    (slope,) = torch.autograd.grad(apply(x), x, upstream)
    (theirs,) = torch.autograd.grad(torch.nn.functional.gelu(x), x, upstream)
    torch.testing.assert_close(slope, theirs)
    assert upstream.tolist() == [1, 1, 1]
