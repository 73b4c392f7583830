"""Types of a recipe's values: numbers with their limits, and ranges to sample from uniformly."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from fkd.io.config import SHORT

N = TypeVar("N", int, float)

NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Probability = Fraction
Std = NonNegative  # a standard deviation
Degrees = Annotated[float, Field(ge=-90, le=90)]


def _tuple_of(length: int) -> Callable[[Any], tuple[Any, ...]]:
    """A check that a value is a list (as YAML gives it) or a tuple of this length."""

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != length:
            raise ValueError(f"{SHORT.repr(value)} is not a list of {length} numbers")
        return tuple(value)

    return check


def _ascending(value: tuple[N, N]) -> tuple[N, N]:
    if value[0] > value[1]:
        raise ValueError(f"the range {list(value)} has its ends the wrong way round")
    return value


# (low, high), from which a value is sampled uniformly.
Range = Annotated[tuple[N, N], BeforeValidator(_tuple_of(2)), AfterValidator(_ascending)]
StdPair = Annotated[tuple[Std, Std], BeforeValidator(_tuple_of(2))]
StdTriple = Annotated[tuple[Std, Std, Std], BeforeValidator(_tuple_of(3))]


def check_exclusive(section: BaseModel, *keys: str) -> None:
    """Raise ValueError when the probabilities of things that exclude each other exceed 1."""
    total = sum(getattr(section, key) for key in keys)
    if total > 1 + 1e-9:
        raise ValueError(f"{' + '.join(keys)} is {total:g}, more than 1")
