"""Writing with a cache of fixed size: every step has the shapes of the one before, so one compiled graph serves all.

Shapes: N windows, P prefix tokens of a window, A places for steps, L = P + A keys, H heads, D head size, C width.
"""

import torch
import torch.nn.functional as F

import genet5.model.attention as attention

# places for steps at the beginning; doubled whenever they are used up
PLACES = 64


class StaticCache:
    """Keys and values of a batch of windows with room for the steps to come.

    model:  GeneT5
    begun:  network.WriterCache without steps
    places: int, steps that there is room for at first
    """

    def __init__(self, model, begun, places=PLACES):
        self.model   = model
        self.begun   = begun
        visible_NP   = begun.visible
        index_P      = torch.arange(visible_NP.shape[1], device=visible_NP.device)
        hidden_N     = visible_NP.shape[1] - visible_NP.sum(dim=1)
        self.visible = visible_NP
        # a step's key has no token, and padding is never seen
        self.tokens  = (index_P - hidden_N[:, None]).clamp(min=0)
        self.memory  = begun.memory
        self.place   = torch.full((1,), visible_NP.shape[1], device=visible_NP.device)
        self.left    = 0
        self._grow(places)

    def step(self, types_N, positions_N):
        """Read one step of each window, finished ones too, and return the states that predict the next.

        types_N:     uint8; 0 reads <bos>
        positions_N: int, base in the window
        returns [N, C]
        """

        if self.left == 0:
            self._grow(self.visible.shape[1] - self.begun.visible.shape[1])
        model = self.model
        self.visible.index_fill_(1, self.place, True)
        # a view with another stride would be another graph
        positions_N1 = positions_N.contiguous()[:, None]
        x_N1C = model.embed_steps(self.begun, types_N[:, None], positions_N1)
        token = model.tokens_of(self.begun, positions_N1)[:, 0]
        seen  = attention.sight_of_one(self.visible, self.tokens, token, model.slopes)
        for layer, (k_NLHD, v_NLHD) in zip(model.layers, self.memory):
            x_N1C = layer.step(x_N1C, positions_N1, k_NLHD, v_NLHD, self.place, seen)
        self.place += 1
        self.left  -= 1
        return model.finish(x_N1C)[:, 0]

    def _grow(self, places):
        """Room for more steps; all lengths change, for once."""

        self.visible = F.pad(self.visible, (0, places), value=False)
        self.tokens  = F.pad(self.tokens, (0, places), value=-1)
        self.memory  = [tuple(F.pad(x, (0, 0, 0, 0, 0, places)) for x in pair) for pair in self.memory]
        self.left   += places
