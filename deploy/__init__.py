"""What a team runs: an MLflow server on PostgreSQL and S3, a bucket for DVC, and `fkd serve`."""
