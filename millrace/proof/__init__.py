"""The command ``verify``: ``proving`` collects both sides, ``serving_layer.proof`` compares them."""
