"""What is computed after the merge: scores, the blend, and lists in order."""
