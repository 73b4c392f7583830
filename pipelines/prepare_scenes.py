"""Stage prepare_scenes: what the detector's scenes are composed of, rendered once."""

from pathlib import Path

from fkd.datasets.sample import BadDataset
from fkd.datasets.scenes.materials import PARTS, MaterialParams, backgrounds, render_heads
from fkd.datasets.scenes.store import BACKGROUNDS, HEADS, save_pictures
from fkd.io.config import ConfigError, load_section
from fkd.io.images import ImageError
from fkd.synthetic.recipe import load_recipe
from pipelines.stage import run_stage, write_json

PARAMS = Path("params.yaml")
RECIPE = Path("data/synthetic/recipe.yaml")
PREPARED = Path("data/scenes")
REPORT = Path("reports/prepare_scenes")


def main() -> None:
    params = load_section(MaterialParams, PARAMS, "prepare_scenes")
    recipe = load_recipe(RECIPE)
    counts: dict[str, dict[str, int]] = {}
    for part in PARTS:
        # First, because a folder without pictures is found at once.
        ground = save_pictures(backgrounds(recipe, params, part), PREPARED / part / BACKGROUNDS)
        heads = save_pictures(render_heads(recipe, params, part), PREPARED / part / HEADS)
        counts[part] = {"heads": heads, "backgrounds": ground}
        print(f"{part}: {heads} heads, {ground} backgrounds", flush=True)
    write_json(REPORT / "summary.json", counts)


if __name__ == "__main__":
    run_stage("prepare_scenes", main, BadDataset, ConfigError, ImageError)
