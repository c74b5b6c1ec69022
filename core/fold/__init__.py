"""The fold (contract §3) over columns, its compiled kernels, and the slow twin that judges them."""
