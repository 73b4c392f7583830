"""The tables of the documentation's configuration page, read off the models that check the files.

MkDocs loads this module as a hook (mkdocs.yml); `python -m tools.docs_configuration` prints the
page.
"""

import types
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeGuard, get_args, get_origin

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fkd.datasets.params import DataParams, PrepareParams
from fkd.datasets.scenes.materials import MaterialParams
from fkd.datasets.scenes.params import SceneParams
from fkd.datasets.unlabelled import UnlabelledParams
from fkd.detection.registry import DETECTORS
from fkd.evaluation.calibration import CalibrateParams
from fkd.evaluation.champion import RegistryParams
from fkd.evaluation.detector_report import EvaluateDetectorParams
from fkd.evaluation.scoring import EvaluateParams
from fkd.io.config import read_yaml
from fkd.synthetic.recipe import Recipe
from fkd.training.detector.export import ExportDetectorParams
from fkd.training.detector.params import DetectorParams
from fkd.training.export import ExportParams
from fkd.training.loop.schedule import OPTIMIZERS, SCHEDULES
from fkd.training.losses import LOSSES
from fkd.training.networks import NETWORKS
from fkd.training.params import PRECISIONS, TrainParams

PROJECT = Path(__file__).resolve().parents[1]
PAGE = "configuration.md"
PARAMS, RECIPE = Path("params.yaml"), Path("data/synthetic/recipe.yaml")
SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataParams,
    "prepare": PrepareParams,
    "prepare_unlabelled": UnlabelledParams,
    "train": TrainParams,
    "calibrate": CalibrateParams,
    "evaluate": EvaluateParams,
    "export": ExportParams,
    "registry": RegistryParams,
    "prepare_scenes": MaterialParams,
    "scenes": SceneParams,
    "train_detector": DetectorParams,
    "evaluate_detector": EvaluateDetectorParams,
    "export_detector": ExportDetectorParams,
}
CHOICES: dict[str, Iterable[str]] = {
    "calibrate.detector": DETECTORS,
    "train.network": NETWORKS,
    "train.loss": LOSSES,
    "train.optimizer": OPTIMIZERS,
    "train.schedule": SCHEDULES,
    "train.precision": PRECISIONS,
}
KINDS = {int: "integer", float: "number", str: "text", bool: "true or false"}
HEADER = "| key | value | type | what it is |\n|---|---|---|---|\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs' hook: the written page followed by the tables."""
    return markdown + "\n" + tables() if page.file.src_uri == PAGE else markdown


def configuration_page() -> str:
    """The whole page: what is written in docs/configuration.md, and a table for each section."""
    return (PROJECT / "docs" / PAGE).read_text() + "\n" + tables()


def tables() -> str:
    """Every key of both files: committed value, type, limits and description."""
    params = read_yaml(PROJECT / PARAMS)
    parts = [f"## {PARAMS}\n\n"]
    for name, model in SECTIONS.items():
        parts.append(_section(name, model, params[name], name))
    recipe = read_yaml(PROJECT / RECIPE)
    parts.append(f"## {RECIPE}\n\n{_sentence(Recipe)}\n\n")
    top = {key: value for key, value in recipe.items() if not isinstance(value, dict)}
    parts.append(HEADER + "".join(_row(key, Recipe.model_fields[key], top[key]) for key in top))
    for name, field in Recipe.model_fields.items():
        if _is_section(field.annotation):
            parts.append("\n" + _section(name, field.annotation, recipe[name], name))
    return "".join(parts)


def _section(title: str, model: type[BaseModel], values: dict[str, Any], prefix: str) -> str:
    """A heading, the model's docstring, a table of its keys, and its inner sections after it."""
    rows, inner = [], []
    for name, field in model.model_fields.items():
        key = f"{prefix}.{name}"
        if _is_section(field.annotation):
            inner.append(_section(key, field.annotation, values[name], key))
        else:
            rows.append(_row(key, field, values[name]))
    text = f"### {title}\n\n{_sentence(model)} Defined in `{_file(model)}`.\n\n"
    return text + HEADER + "".join(rows) + "\n" + "".join(inner)


def _row(key: str, field: FieldInfo, value: Any) -> str:
    kind = _kind(field.annotation, field.metadata)
    if key in CHOICES:
        kind = "one of " + ", ".join(f"`{name}`" for name in CHOICES[key])
    return f"| `{key}` | `{_as_yaml(value)}` | {kind} | {field.description} |\n"


def _kind(annotation: Any, metadata: Iterable[Any]) -> str:
    """A type and its limits in words: "number, 0 to 1"."""
    metadata = list(metadata)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for extra in more:
            metadata += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    inner = [arg for arg in get_args(annotation) if arg is not ...]
    if get_origin(annotation) is dict:
        return f"mapping from a name to: {_kind(inner[1], [])}"
    if get_origin(annotation) is tuple:
        ascending = any("ascending" in repr(extra) for extra in metadata)
        what = "range `[low, high]`" if ascending else f"list of {len(inner)}"
        return f"{what}, each: {_kind(inner[0], [])}"
    return KINDS[annotation] + _limits(metadata)


def _limits(metadata: Iterable[Any]) -> str:
    """The tightest limits, in words."""
    low: list[tuple[float, bool]] = []
    high: list[tuple[float, bool]] = []
    for extra in metadata:
        if isinstance(extra, annotated_types.Ge):
            low.append((float(extra.ge), False))  # type: ignore[arg-type]
        elif isinstance(extra, annotated_types.Gt):
            low.append((float(extra.gt), True))  # type: ignore[arg-type]
        elif isinstance(extra, annotated_types.Le):
            high.append((-float(extra.le), False))  # type: ignore[arg-type]
        elif isinstance(extra, annotated_types.Lt):
            high.append((-float(extra.lt), True))  # type: ignore[arg-type]
    texts = []
    if low:
        # The highest lower limit is the tightest; upper limits are negated, so theirs is too.
        value, strict = max(low)
        texts.append(f"above {value:g}" if strict else f"at least {value:g}")
    if high:
        value, strict = max(high)
        texts.append(f"below {-value:g}" if strict else f"at most {-value:g}")
    return "".join(f", {text}" for text in texts)


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    # A tuple's alias is an instance of type for some versions of Python.
    plain = isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)
    return plain and issubclass(annotation, BaseModel)


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _file(model: type[BaseModel]) -> str:
    return model.__module__.replace(".", "/") + ".py"


def _as_yaml(value: Any) -> str:
    """A value as one writes it in the file."""
    if value == "":
        return '""'
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return str(text).removesuffix("...\n").strip()


if __name__ == "__main__":
    print(configuration_page())
