"""Traces of requests and micro-batches, sent to a collector by OTLP over HTTP; off unless a setting names one.

``active`` is what other rooms ask: the process's tracer, or None. ``tracer`` alone imports OpenTelemetry's SDK, an
extra; ``sending`` keeps an absent collector from costing anything but its own traces.
"""
