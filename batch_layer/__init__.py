"""The batch layer recomputes everything from the event lake and publishes the result as one generation.

``jobs/generation.py`` runs the steps in order. ``runs`` keeps a run in the control record from its boundary to its
publication; ``steps`` turn log records into lake rows and lake rows into views; ``learning`` trains and measures the
recommenders; ``gate`` decides whether the result may serve.
"""
