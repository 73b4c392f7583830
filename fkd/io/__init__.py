"""Files: pictures of any kind, `.pts` annotations, YAML, results written whole or not at all."""
