"""The processes that train together, as torch.distributed knows them; most often one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

T = TypeVar("T")


class World(NamedTuple):
    """rank: which of the processes this is, from 0. size: how many there are."""

    rank: int
    size: int


ALONE = World(0, 1)


def world() -> World:
    """The processes that this one trains with; itself alone where none were started."""
    if not distributed.is_initialized():
        return ALONE
    return World(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def world_of_torchrun() -> Iterator[World]:
    """A block in the world that torchrun started this process in, on one machine, if it did."""
    if not distributed.is_torchelastic_launched():
        yield world()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # One store serves all attempts of torchrun, and holds the addresses of processes that died.
    store, rank, size = next(rendezvous("env://"))
    store = PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=size)
    try:
        yield world()
    finally:
        distributed.destroy_process_group()


def from_first(make: Callable[[], T]) -> T:
    """What the first process makes, in all of them. The others wait, and make nothing."""
    here = world()
    if here.size == 1:
        return make()
    told = [make() if here.rank == 0 else None]
    distributed.broadcast_object_list(told)
    return told[0]  # type: ignore[return-value]


def mean(value: float, device: torch.device) -> float:
    """The mean of a number over the processes, the same in all of them."""
    here = world()
    if here.size == 1:
        return value
    total = torch.tensor(value, device=device, dtype=torch.float64)
    distributed.all_reduce(total)
    return float(total / here.size)
