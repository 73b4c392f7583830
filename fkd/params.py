"""params.yaml as frozen dataclasses, one per stage. An unknown or ill-typed key is an error."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fkd.preprocess import CropSpec

T = TypeVar("T")


class ParamsError(ValueError):
    """A parameter that is unknown, missing or of the wrong type; the message names it."""


@dataclass(frozen=True)
class Data:
    """root: folder of data sets, or one data set, that the stages train and score on. add_drawn:
    whether the drawn faces of data/synthetic are mixed in.
    """

    root: str
    add_drawn: bool


@dataclass(frozen=True)
class Prepare:
    """What becomes of the photos before training.

    min_face: smallest face kept, side of the points' bounding square, pixels.
    max_face: larger faces are shrunk to this box side, pixels.
    room: side of the cut-out that is kept, in box sides; augmentation moves inside it.
    val, test: shares of the people held out for validation and, where a set has no official test
    of new people, for testing. seed: of that draw. processes: 0 is one for each core.
    """

    min_face: int
    max_face: int
    room: float
    val: float
    test: float
    seed: int
    processes: int


@dataclass(frozen=True)
class Augment:
    """Random changes of a training face. Ranges are symmetric and uniform unless said otherwise.

    shift: of the box, in crop sides. scale: of the box, log ratio. rotate: degrees, standard
    deviation. flip, *_share: probability. contrast, brightness: standard deviations (log gain,
    share of 255). gamma: standard deviation of its log. blur: largest sigma, crop pixels.
    low_resolution: smallest side the crop is shrunk to, as a share. noise: largest sigma, share of
    255. occlude: largest side of the covering box, share of the crop.
    """

    shift: float
    scale: float
    rotate: float
    flip: float
    contrast: float
    brightness: float
    contrast_share: float
    gamma: float
    gamma_share: float
    blur: float
    blur_share: float
    low_resolution: float
    low_resolution_share: float
    noise: float
    noise_share: float
    occlude: float
    occlude_share: float


@dataclass(frozen=True)
class Train:
    """The network, its loss and the loop. Choices by name are listed where they are defined.

    model: fkd/training/models.py. loss: fkd/training/losses.py. heatmap_weight: of the divergence
    between maps and Gaussians, for networks with maps. average: decay of the moving average of
    the weights, 0 for none. patience: epochs without a better validation score before stopping, 0
    for never. teacher: a packaged model or an .onnx file, whose answers are averaged with the
    labels; empty for none. repeat: how often an epoch shows the faces of a subset (1 unless
    named). label_shift: how far right of the face a subset's labels lie, pixels (0 unless
    named); a mirrored copy keeps it. threads: of torch, 0 for its own choice. workers: processes
    that augment; 0, in the training process itself, is fastest on two cores, and a GPU wants a
    dozen.
    """

    model: str
    crop: CropSpec
    loss: str
    heatmap_weight: float
    optimizer: str
    lr: float
    weight_decay: float
    schedule: str
    warmup: float
    batch_size: int
    epochs: int
    average: float
    patience: int
    teacher: str
    seed: int
    precision: str
    threads: int
    workers: int
    repeat: dict[str, int]
    label_shift: dict[str, float]
    augment: Augment


@dataclass(frozen=True)
class Calibrate:
    """What confidence and score mean. within: a point is right when it lies this near the true
    one, percent of the outer eye distance. lost: share of the validation faces that the threshold
    of the score may cost; people lose fewer than drawn faces, which are harder. seed: of the false
    boxes.
    """

    within: float
    lost: float
    seed: int


@dataclass(frozen=True)
class Evaluate:
    """root: data whose test faces are scored besides those of data.root (the same for none).

    threshold: of AUC and failure rate, NME in percent.
    """

    root: str
    threshold: float


@dataclass(frozen=True)
class Export:
    """tolerance_px: largest difference of torch and ONNX that passes, crop pixels."""

    tolerance_px: float


@dataclass(frozen=True)
class Params:
    """All of params.yaml."""

    data: Data
    prepare: Prepare
    train: Train
    calibrate: Calibrate
    evaluate: Evaluate
    export: Export


def load_params(path: Path = Path("params.yaml")) -> Params:
    """The checked contents of params.yaml. Raises ParamsError that names the key at fault."""
    return build(Params, read_yaml(path), path.name)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises ParamsError when it is missing or malformed."""
    import yaml  # only the pipeline reads YAML; it comes with the train extra

    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ParamsError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise ParamsError(f"{path}: a mapping of sections is expected")
    return values


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots: {"train": {"lr": 1}} -> {"train.lr": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def build(kind: type[T], values: Any, name: str) -> T:
    """A frozen dataclass from a mapping, checked key by key.

    name: how messages call the mapping. Raises ParamsError for a key that is unknown, missing or
    of the wrong type.
    """
    if not isinstance(values, dict):
        raise ParamsError(f"{name}: a mapping is expected, not {values!r}")
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise ParamsError(f"{name}: unknown key {key!r}; known are {', '.join(sorted(hints))}")
    for key in hints:
        if key not in values:
            raise ParamsError(f"{name}: {key} is missing")
    return kind(**{key: _check(hints[key], values[key], f"{name}: {key}") for key in hints})


def _check(kind: Any, value: Any, name: str) -> Any:
    """The value as the kind asks for, whole numbers passing for floats."""
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type, kind), value, name)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and isinstance(value, list | tuple) and len(value) == len(arguments):
        return tuple(_check(k, v, name) for k, v in zip(arguments, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {
            _check(arguments[0], k, name): _check(arguments[1], v, f"{name}.{k}")
            for k, v in value.items()
        }
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    same_kind = isinstance(kind, type) and isinstance(value, kind)
    if same_kind and isinstance(value, bool) == (kind is bool):  # a bool is an int to Python
        return value
    kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    expected = kinds.get(kind)
    if isinstance(kind, types.GenericAlias) and expected is None:
        expected = f"a list of {len(arguments)}" if origin is tuple else "a mapping"
    raise ParamsError(f"{name}: {value!r} is not {expected}")
