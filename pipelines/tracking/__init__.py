"""One MLflow run for one pipeline run. Trouble with the store never stops the work."""

from pipelines.tracking.run import Run, new_run, record_export, resumed_run

__all__ = ["Run", "new_run", "record_export", "resumed_run"]
