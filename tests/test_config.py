"""params.yaml: strict about keys, types and ranges, and what is wrong is one sentence."""

import pytest
from conftest import PROJECT
from pydantic import BaseModel

from fkd.datasets.params import DEFAULT_PREPARE, DataParams, PrepareParams
from fkd.evaluation.scoring import NME_THRESHOLD, EvaluateParams
from fkd.io.config import ConfigError, flatten, load_section, read_yaml
from fkd.synthetic.recipe import load_recipe
from fkd.training.params import TrainParams
from tools.docs_configuration import SECTIONS

FILE = PROJECT / "params.yaml"
TEXT = FILE.read_text()
RECIPE = PROJECT / "data" / "synthetic" / "recipe.yaml"


def leaves(kind: type[BaseModel], prefix: str = ""):
    """Every key with its field, nested models walked into."""
    for key, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", field


@pytest.mark.parametrize(
    ("section", "old", "new", "sentence"),
    [
        (
            "train",
            "  lr: 0.002",
            "  learning_rate: 0.002",
            "params.yaml: train: unknown key 'learning_rate'; known are augment, ",
        ),
        ("train", "  lr: 0.002\n", "", "params.yaml: train: lr is missing"),
        ("export", "export:", "export:\n  speed: 1", "export: unknown key 'speed'; known are tol"),
        ("train", "lr: 0.002", "lr: fast", "train: lr: 'fast' is not a number"),
        ("train", "epochs: 20", "epochs: 1.5", "train: epochs: 1.5 is not a whole number"),
        ("train", "epochs: 20", "epochs: true", "train: epochs: True is not a whole number"),
        ("train", "network: pyramid", "network: 5", "train: network: 5 is not a text"),
        ("train", "{300w: 6,", "{300w: many,", "train: oversampling.300w: 'many' is not a whole"),
        ("train", "  seed: 0\n", "", "train: seed is missing"),
        ("train", "size: 128", "size: [1]", "train: crop.size: [1] is not a whole number"),
        (
            "train",
            "size: 128",
            "side: 128",
            "train: unknown key 'crop.side'; known are scale",
        ),
        ("data", "add_synthetic: false", "add_synthetic: 1", "data: add_synthetic: 1 is not true"),
        ("export", "export:", "exports:", "params.yaml: export is missing"),
        ("data", "data:", "data: [", "not valid YAML"),
        ("prepare", "min_face: 32", "min_face: 0", "prepare: min_face: 0 is not greater than or"),
        ("prepare", "margin: 2.0", "margin: 0.5", "prepare: margin: 0.5 is not greater than or"),
        ("prepare", "val_fraction: 0.06", "val_fraction: 1", "val_fraction: 1 is not less than 1"),
        ("train", "lr: 0.002", "lr: 0", "train: lr: 0 is not greater than 0"),
        ("train", "flip_prob: 0.5", "flip_prob: 1.5", "augment.flip_prob: 1.5 is not less than"),
        ("train", "size: 128", "size: 120", "train: crop.size: 120 is not a multiple of 32"),
        ("train", "warmup: 0.1", "warmup: 1.0", "train: warmup: 1.0 is not less than 1"),
        ("train", "num_workers: 0\n  over", "num_workers: -1\n  over", "num_workers: -1 is not"),
        ("calibrate", "error_threshold: 5.0", "error_threshold: -5", "error_threshold: -5 is not"),
        ("evaluate", "nme_threshold: 8.0", "nme_threshold: 0", "nme_threshold: 0 is not greater"),
        ("export", "tolerance_px: 0.01", "tolerance_px: .nan", "tolerance_px: nan is not"),
        ("train", "lr: 0.002", "lr: .nan", "params.yaml: train: lr: nan is not a finite number"),
        ("train", "lr: 0.002", "lr: .inf", "params.yaml: train: lr: inf is not a finite number"),
        ("train", "300w: 1.05", "300w: .nan", "label_offset_px.300w: nan is not a finite number"),
        ("train", "lr: 0.002", "lr: 2026-13-45", "train: lr: '2026-13-45' is not a number"),
        ("train", "lr: 0.002", "lr: 0.002\n  lr: 1", "train.lr is there twice (line "),
        ("train", "lr: 0.002", "lr: 0.002\n  'lr': 1", "train.lr is there twice"),
        ("data", "data:", "data: {}\ndata:", "params.yaml: data is there twice"),
        ("data", "root: data/", "root: " + "[" * 10_000, "its values are nested too deeply"),
        ("train", "epochs: 20", "epochs: !!int x", "not valid YAML (invalid literal for int()"),
        ("train", "epochs: 20", "epochs: !!bool x", "params.yaml: not valid YAML"),
        ("train", "epochs: 20", "epochs: " + "9" * 5000, "params.yaml: not valid YAML"),
        ("train", "epochs: 20", "epochs: &a [*a]", "train: epochs: [[[...]]] is not a whole"),
        ("train", "  lr: 0.002", "  lr: 0.002\n  1: 1", "train: the key 1 is not a text"),
    ],
)
def test_a_wrong_key_type_or_range_is_one_sentence(tmp_path, section, old, new, sentence):
    assert old in TEXT
    file = tmp_path / "params.yaml"
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ConfigError) as wrong:
        load_section(SECTIONS[section], file, section)
    assert sentence in str(wrong.value) and "\n" not in str(wrong.value)


def test_text_that_is_not_utf_8_is_one_sentence(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes(TEXT.replace("data/synthetic", "dätä").encode("latin-1"))
    with pytest.raises(ConfigError, match=r"params.yaml: is not text in UTF-8$"):
        load_section(DataParams, file, "data")


def test_a_date_that_is_no_date_may_be_a_text(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(TEXT.replace("root: data/synthetic", "root: 2026-13-45", 1))
    assert load_section(DataParams, file, "data").root == "2026-13-45"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("count: ", "count: -", "is not greater than or equal to 1"),
        ("count: ", "count: 999", "is not less than or equal to 1000000"),
        ("drop_mean: ", "drop_mean: .nan #", "brows.drop_mean: nan is not a finite number"),
        ("smile: ", "smile: [0, .inf] #", "expression.smile.1: inf is not a finite number"),
        ("smile: ", "smile: [.nan, 1] #", "expression.smile.0: nan is not a finite number"),
        ("seed: ", "seed: 1\nseed: ", "seed is there twice"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(tmp_path, old, new, sentence):
    text = RECIPE.read_text()
    assert old in text
    (tmp_path / "recipe.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as wrong:
        load_recipe(tmp_path / "recipe.yaml")
    assert sentence in str(wrong.value) and "\n" not in str(wrong.value)


@pytest.mark.parametrize("key", ["count", "smile"])
def test_a_value_that_aliases_make_huge_is_shown_short(tmp_path, key):
    laughs = "".join(f", &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))
    bomb = f"{key}: [&a0 [x, x, x, x, x]{laughs}]  # 5 billion texts, \n#"
    (tmp_path / "recipe.yaml").write_text(RECIPE.read_text().replace(f"{key}: ", bomb, 1))
    with pytest.raises(ConfigError) as wrong:
        load_recipe(tmp_path / "recipe.yaml")
    assert len(str(wrong.value)) < 500 and f"{key}: [['x', 'x'" in str(wrong.value)


@pytest.mark.parametrize("key", ["network", "loss", "optimizer", "schedule", "precision"])
def test_an_unknown_choice_is_named_with_what_is_allowed(tmp_path, key):
    value = read_yaml(FILE)["train"][key]
    file = tmp_path / "params.yaml"
    file.write_text(TEXT.replace(f"{key}: {value}", f"{key}: magic", 1))
    with pytest.raises(ConfigError, match=rf"train: {key}: 'magic' is not one of \w+, .*{value}"):
        load_section(TrainParams, file, "train")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"params.yaml: no such file"):
        load_section(DataParams, tmp_path / "params.yaml", "data")


def test_a_whole_number_passes_for_a_float(tmp_path):
    (tmp_path / "params.yaml").write_text(TEXT.replace("lr: 0.002", "lr: 1"))
    assert load_section(TrainParams, tmp_path / "params.yaml", "train").lr == 1.0


def test_the_committed_parameters_are_those_of_the_models_and_no_others():
    stored = flatten({section: read_yaml(FILE)[section] for section in SECTIONS})
    assert set(read_yaml(FILE)) == set(SECTIONS)
    for section, kind in SECTIONS.items():
        load_section(kind, FILE, section)
        for key, _ in leaves(kind, f"{section}."):
            assert any(name == key or name.startswith(f"{key}.") for name in stored), key


def test_every_key_is_described():
    for section, kind in SECTIONS.items():
        for key, field in leaves(kind, f"{section}."):
            assert field.description and field.description.endswith("."), key


def test_fkd_score_uses_the_split_and_threshold_of_the_committed_parameters():
    assert load_section(PrepareParams, FILE, "prepare") == DEFAULT_PREPARE
    assert load_section(EvaluateParams, FILE, "evaluate").nme_threshold == NME_THRESHOLD
