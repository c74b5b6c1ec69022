"""Pretrained models: files of weights read as data alone, graphs of ONNX written as bytes, and their runs.

``safetensors`` reads weights, ``graph`` writes a model of them, ``sentences`` is one of texts and ``wordpiece`` what it
reads, and ``session`` runs any of them by onnxruntime. None of it downloads anything.
"""
