"""params.yaml: strict about keys and types, and known by name."""

import dataclasses

import pytest
from conftest import PROJECT

from fkd.params import Params, ParamsError, flatten, load_params, read_yaml

TEXT = (PROJECT / "params.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 0.002", "learning_rate: 0.002", "params.yaml: train: unknown key 'learning_rate'"),
        ("lr: 0.002", "lr: fast", "params.yaml: train: lr: 'fast' is not a number"),
        ("epochs: ", "epochs: 1.5 # ", "train: epochs: 1.5 is not a whole number"),
        ("epochs: ", "epochs: true # ", "train: epochs: True is not a whole number"),
        ("model: pyramid", "model: 5", "train: model: 5 is not a text"),
        (
            "repeat: {300w: 6, youtube-faces: 4}",
            "repeat: {300w: many}",
            "train: repeat.300w: 'many' is not a whole number",
        ),
        ("  seed: 0\n", "", "train: seed is missing"),
        ("crop:\n    size: 128", "crop:\n    size: [1]", r"train: crop: size: \[1\] is not"),
        ("export:", "exports:", "unknown key 'exports'; known are calibrate, data, evaluate"),
        ("add_drawn: false", "add_drawn: 1", "data: add_drawn: 1 is not true or false"),
        ("data:", "data: [", "not valid YAML"),
    ],
)
def test_a_wrong_key_or_type_is_named(tmp_path, old, new, message):
    assert old in TEXT
    (tmp_path / "params.yaml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ParamsError, match=message) as wrong:
        load_params(tmp_path / "params.yaml")
    assert "\n" not in str(wrong.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"params.yaml: no such file"):
        load_params(tmp_path / "params.yaml")


def test_a_whole_number_passes_for_a_float(tmp_path):
    (tmp_path / "params.yaml").write_text(TEXT.replace("lr: 0.002", "lr: 1"))
    assert load_params(tmp_path / "params.yaml").train.lr == 1.0


def test_flat_names_are_those_of_the_command_line():
    flat = flatten(read_yaml(PROJECT / "params.yaml"))
    assert flat["train.augment.rotate"] == 15.0 and flat["train.repeat.300w"] == 6


def test_every_parameter_is_explained_in_its_docstring():
    def explain(kind: type) -> None:
        for field in dataclasses.fields(kind):
            if dataclasses.is_dataclass(field.type):
                explain(field.type)

    explain(Params)
    from fkd.params import Augment, Prepare, Train

    for kind in (Prepare, Train, Augment):
        for field in dataclasses.fields(kind):
            known = field.name in kind.__doc__ or field.name.endswith("_share")
            plain = {"crop", "optimizer", "lr", "weight_decay", "schedule", "warmup", "batch_size"}
            assert known or field.name in plain | {"epochs", "seed", "precision"}, field.name
