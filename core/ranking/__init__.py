"""What is computed after the merge: scores, the blend, calibration, and how good rankings are."""
