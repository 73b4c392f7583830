"""How good a model is: metrics, scoring, confidence calibration, reports, `fkd score`."""
