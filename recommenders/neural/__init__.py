"""What the neural recommenders share: one network trained to say which item a user touches next, and one scorer.

A ``Network`` turns the items that a user touched, in order, into a state; the product of the state with an item's
vector says how likely that item is next. ``training`` fits its numbers with JAX (the extra ``neural``), ``scorer``
computes the same network with NumPy from the merged history, so serving needs no JAX. A model is a folder with a
network and its settings.

Paper of the loss: sampled softmax (Bengio and Senécal 2008), the contrastive loss of a target against drawn items.
"""
