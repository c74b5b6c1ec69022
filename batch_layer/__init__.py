"""The batch layer: recomputes everything from the event lake and publishes it as one generation.

``jobs/generation.py`` runs the steps in order: boundary, ``ingest``, ``fold_step``, ``write_step``, ``train``, publish.
"""
