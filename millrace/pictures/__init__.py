"""The commands ``pictures index``, which makes features and the index of pictures, and ``pictures evaluate``."""
