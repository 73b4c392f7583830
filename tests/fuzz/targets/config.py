"""params.yaml and recipe.yaml."""

import math
from pathlib import Path

from fkd.datasets.params import DataParams, PrepareParams
from fkd.evaluation.calibration import CalibrateParams
from fkd.io.config import ConfigError, flatten, read_yaml, validated
from fkd.synthetic.recipe import Recipe
from fkd.training.params import TrainParams
from fuzz.files import temporary_file

PROJECT = Path(__file__).parents[3]
SECTIONS = {
    "data": DataParams,
    "prepare": PrepareParams,
    "train": TrainParams,
    "calibrate": CalibrateParams,
}


def seeds() -> list[bytes]:
    """The project's own files, and small ones of each kind of mischief."""
    whole = [(PROJECT / "params.yaml"), PROJECT / "data" / "synthetic" / "recipe.yaml"]
    small = [
        "a: 1\na: 2",
        "? {}\n: 1",
        "train: 2024-13-45",
        "a: &a [*a]",
        "a: .nan",
        "<<: 1",
        "- 1",
    ]
    odd = [b"a: \xe9", b"[" * 600, b"\xff\xfea\0:\0", b"a: !!python/object/apply:os.getcwd []"]
    return [path.read_bytes() for path in whole] + [text.encode() for text in small] + odd


def check(data: bytes) -> None:
    """Checked values come out, or ConfigError of one line; no number in them is not finite."""
    try:
        with temporary_file(data, "params.yaml") as path:
            values = read_yaml(path)
    except ConfigError as error:
        assert "\n" not in str(error), error
        return
    for kind, section in [(Recipe, values), *((SECTIONS[s], values.get(s)) for s in SECTIONS)]:
        try:
            checked = validated(kind, section, "params.yaml")
        except ConfigError as error:
            assert "\n" not in str(error), error
            continue
        numbers = flatten(checked.model_dump()).values()
        assert all(math.isfinite(number) for number in numbers if isinstance(number, float))
