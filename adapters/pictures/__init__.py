"""Pictures of items as vectors: pictures opened within limits, features of a pretrained network, and their index.

``listing`` says which file is whose picture, ``opening`` decodes it, ``backbone`` and ``features`` make numbers of it,
``book`` keeps them as they are made, ``index`` publishes short vectors of them that readers map, and ``sheet`` draws a
query and its results. Needs the extra ``pictures``; nothing here fetches a picture or a model from a network.
"""
