"""How good rankings are: who is judged on what, the metrics and their intervals, calibrated and stated confidence."""
