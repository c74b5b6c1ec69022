"""Benchmarks: ``make bench`` runs all, ``python -m bench throughput`` one. Nothing here is a test."""
