"""How much better a completion is than the others of its window; pure functions of rewards [N, G]."""

import torch

# as TRL adds it to a standard deviation
EPSILON = 1e-4
# rewards of a group closer than this are equal
EQUAL   = 1e-6


def advantages(rewards, scale="none"):
    """Rewards less the mean of their group, divided by a standard deviation or not.

    rewards: float [N, G], G > 1
    scale:   "none" (Dr. GRPO, arXiv 2503.20783), "group" (GRPO, arXiv 2402.03300) or "batch" (REINFORCE++,
             arXiv 2501.03262); the standard deviation is that of a sample, over G or over all rewards
    returns float [N, G]
    """

    centred = rewards - rewards.mean(dim=1, keepdim=True)
    if scale == "group":
        return centred / (rewards.std(dim=1, keepdim=True) + EPSILON)
    if scale == "batch":
        return centred / (rewards.std() + EPSILON)
    return centred


def informative(rewards):
    """Groups whose rewards differ, bool [N]; the others have advantages of 0 and teach nothing.

    rewards: float [N, G]
    """

    return rewards.amax(dim=1) - rewards.amin(dim=1) > EQUAL


def spread(rewards):
    """Standard deviation of a sample, 0 where there is but one value; TRL's reward_std.

    rewards: float tensor of any shape
    """

    return rewards.std() if rewards.numel() > 1 else torch.zeros_like(rewards.sum())
