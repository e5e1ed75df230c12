"""Sparse attention of packed documents on GPUs: Triton kernels, their plain reference, and what both compute.

A document has T rows, the first P of which are its prefix (tokens of DNA); the others are steps, which write. Row i
attends to row j of the same document, and to no other document's, where

    i < P:   j < P  and  (|i - j| < W  or  i < G  or  j < G)      a window W and G global tokens, in both directions
    i >= P:  j <= i                                               a step sees the whole prefix and the steps up to it

The score is q_i . k_j / sqrt(D) less the ALiBi bias slope * |place_i - j| where j < P. `place_i` is the token at which
row i stands: i itself in the prefix, the token that holds its base for a step. There are two slopes for each head, one
among the prefix and one from steps to the prefix; steps among themselves have no bias. Query head h reads
key head h * KEY_HEADS // HEADS. Queries may be given for the last rows of a document only, as when keys are cached.
Rows that belong to no document get zeros, and no gradient flows through them.

`naive` says so with a mask, `programs` are the kernels, `attention` the operator that launches them.
"""
