"""What code a run comes from, as git and DVC tell it."""

import os
import subprocess

# All files but those that a pipeline run itself writes.
CODE = ("--", ".", ":!dvc.lock", ":!reports")


def source_tags() -> dict[str, str]:
    """Who runs it; commit, branch and state of the code; and the DVC experiment that runs it."""
    commit = git("rev-parse", "HEAD")
    tags = {
        # The three that MLflow's pages show at the top.
        "mlflow.user": git("config", "user.name") or os.environ.get("USER", ""),
        "mlflow.source.name": "dvc repro" if "DVC_STAGE" in os.environ else "by hand",
        "mlflow.source.git.commit": commit,
        "git_commit": commit,
        "git_branch": git("rev-parse", "--abbrev-ref", "HEAD"),
        "git_dirty": str(bool(git("status", "--porcelain", "--untracked-files=no", *CODE))).lower(),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME", ""),
        "dvc_baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
    }
    return {key: value for key, value in tags.items() if value}


def git(*arguments: str) -> str:
    """The output of a git command in the current folder, "" where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
