"""The decoder-only model: base track, stem, blocks, site head, segmentation head, lattice potentials."""
