"""The nearest of many vectors: exact up to a size, by cells beyond it, and how often both agree.

``nearest`` is the one function that searches; ``cells`` makes the index of a large set in a batch step, as plain
arrays that a file or a store holds and that serving maps; ``principal`` makes short vectors of long ones.
"""
