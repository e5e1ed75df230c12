"""Reinforcement: the writer samples annotations, exact scores reward them, the model moves towards the better ones."""
