"""Pretrained models: files of weights read as data alone, graphs of ONNX written and changed as bytes, and their runs.

``safetensors`` and ``torch_file`` read weights, ``graph`` writes a model of them, ``last_layer`` takes a classifier's
last layer away, ``sentences`` is a model of texts and ``wordpiece`` what it reads, and ``session`` runs any of them by
onnxruntime. None of it downloads anything.
"""
