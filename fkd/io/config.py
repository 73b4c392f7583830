"""YAML files as checked, frozen models. What is wrong with one is said in one sentence."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from fkd.io.files import reason

if TYPE_CHECKING:
    from yaml import Node

M = TypeVar("M", bound=BaseModel)

# What pydantic calls the types of YAML, in plain words.
KINDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid boolean": "true or false",
}
TIMESTAMP, TEXT = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str"

# A value in a message, cut short: by aliases, a small file can hold a huge one.
SHORT = reprlib.Repr()
SHORT.maxlevel, SHORT.maxstring = 2, 80


class ConfigError(ValueError):
    """A key that is unknown, missing, of the wrong type or out of range; the message names it."""


class Section(BaseModel):
    """Keys of a YAML file: every one is needed, none besides is allowed, types are not guessed, and
    numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def one_of(choices: Mapping[str, Any] | tuple[str, ...]) -> AfterValidator:
    """A check that a text is one of some names."""

    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is not one of {', '.join(sorted(choices))}")
        return value

    return AfterValidator(check)


def load_section(kind: type[M], path: Path, section: str) -> M:
    """A section of a YAML file as its model. Raises ConfigError that names the key at fault."""
    values = read_yaml(path)
    if section not in values:
        raise ConfigError(f"{path.name}: {section} is missing")
    return validated(kind, values[section], f"{path.name}: {section}")


def validated(kind: type[M], values: Any, name: str) -> M:
    """Values as their model; `name` is how the message calls them. Raises ConfigError."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{name}: {_sentence(kind, error)}") from None


def _sentence(kind: type[BaseModel], error: ValidationError) -> str:
    """One fault, with the place of its key: an unknown key if there is one, as a misspelt one is
    missing too; else the first."""
    faults = error.errors(include_url=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    fault = (unknown or faults)[0]
    place = [str(part) for part in fault["loc"]]
    key, value = ".".join(place), SHORT.repr(fault["input"])
    match fault["type"]:
        case "missing":
            return f"{key} is missing"
        case "extra_forbidden":
            known = ", ".join(sorted(_model_at(kind, place[:-1]).model_fields))
            return f"unknown key {key!r}; known are {known}"
        case "invalid_key":
            return f"the key {key} is not a text"
        case "model_type" | "dict_type":
            return f"{key + ': ' if key else ''}a mapping is expected, not {value}"
    wanted = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    wanted = KINDS.get(wanted, wanted)
    return (
        f"{key}: {value} is not {wanted}"
        if fault["type"] != "value_error"
        else (f"{key + ': ' if key else ''}{wanted}")
    )


def _model_at(kind: type[BaseModel], place: list[str]) -> type[BaseModel]:
    """The model of a nested section."""
    for key in place:
        inner = kind.model_fields[key].annotation
        assert isinstance(inner, type) and issubclass(inner, BaseModel)
        kind = inner
    return kind


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises ConfigError when it is missing or malformed."""
    import yaml  # only the pipeline reads YAML; it comes with the train extra

    try:
        loader = yaml.SafeLoader(path.read_text("utf-8-sig"))
        loader.name = path.name  # in messages
        root = loader.get_single_node()
        _check_keys(root, "", set())
        values = loader.construct_document(root) if root else None
    except OSError as error:
        raise ConfigError(f"{path}: {reason(error)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not text in UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{path}: its values are nested too deeply") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, LookupError) as error:
        # PyYAML raises the last two for `!!int x` and the like.
        raise ConfigError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping of sections is expected")
    return values


def _check_keys(node: "Node | None", place: str, seen: set[int]) -> None:
    """Raise ConfigError for a key that is there twice, of which PyYAML would take the last. Dates
    become texts, as no key is a date and some that look like one are none."""
    import yaml

    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if node.tag == TIMESTAMP:
        node.tag = TEXT
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, place, seen)
    if isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, value in node.value:
            inner = f"{place}.{key.value}".removeprefix(".")
            if str(key.value) in known:
                raise ConfigError(f"{inner} is there twice (line {key.start_mark.line + 1})")
            known.add(str(key.value))
            _check_keys(key, place, seen)
            _check_keys(value, inner, seen)


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots: {"train": {"lr": 1}} -> {"train.lr": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
