"""Benchmarks: ``make bench`` runs all, ``python -m bench throughput`` one. Nothing here is a test.

A section is a module of ``bench.sections``; what sections share (settings, loads, baselines, a cluster) lies beside it.
"""
