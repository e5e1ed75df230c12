"""Sampling under the grammar, and what training makes of the samples."""

import itertools

import hypothesis as hy
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("torch")
import genet5.data.batch as batching
import genet5.grammar as grammars
import genet5.grpo.policy as policy
import genet5.grpo.rollout as rollout
import torch

GRAMMAR   = {"genetic_code": 1, "table_starts": False, "min_intron": 10, "max_intron": 0}
POSITIONS = ("rope", "alibi")


def assemble(loaded, letters):
    """A batch of one window a row."""

    arrays = batching.assemble(letters, loaded.tokenizer, rows=[[row] for row in range(len(letters))], threads=1,
                               **GRAMMAR)
    return batching.to_torch(arrays)


def sample(loaded, letters, positions="rope", seed=0, **options):
    """Completions of some windows; one's chance depends on the number of its window."""

    sampling = rollout.Sampling(**{"completions": 4, "max_steps": 40, **options})
    seeds    = [(seed, *text[:8], number) for text in letters for number in range(sampling.completions)]
    model    = loaded.models[positions]
    with torch.inference_mode():
        batch = assemble(loaded, letters)
        return rollout.sample(model, model.prefill(batch), batch, letters, GRAMMAR, sampling, seeds)


def log_probs(loaded, letters, completions, positions="rope", temperature=1.0):
    """What training makes of completions."""

    return policy.log_probs(loaded.models[positions], assemble(loaded, letters), completions, len(letters), temperature)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("positions", POSITIONS)
def test_training_gives_fresh_samples_the_samplers_probabilities(loaded, positions, temperature):
    found    = sample(loaded, loaded.letters, positions, temperature=temperature)
    ours, _  = log_probs(loaded, loaded.letters, found, positions, temperature)
    ratio    = (ours.detach() - torch.from_numpy(found.log_probs)).exp()
    assert sum(len(genes) > 0 for genes in found.genes) > 4
    assert (ratio - 1).abs().max() < 1e-4


def test_so_it_does_with_a_nucleus_whose_sites_are_all_that_training_sees(loaded):
    found   = sample(loaded, loaded.letters, top_p=0.8)
    whole   = sample(loaded, loaded.letters)
    ours, _ = log_probs(loaded, loaded.letters, found)
    assert ((ours.detach() - torch.from_numpy(found.log_probs)).exp() - 1).abs().max() < 1e-4
    assert np.diff(found.offsets).mean() < 0.9 * np.diff(whole.offsets).mean()


@pytest.mark.parametrize("positions", POSITIONS)
def test_packed_completions_are_what_separate_ones_are(loaded, positions):
    letters  = loaded.letters[:2]
    model    = loaded.models[positions]
    found    = sample(loaded, letters, positions, max_steps=12)
    weights  = torch.randn(len(found.types), generator=torch.Generator().manual_seed(2))
    packed, entropy = log_probs(loaded, letters, found, positions)
    wanted   = torch.autograd.grad((packed * weights).sum(), list(model.parameters()), allow_unused=True)
    singly, entropies, place = [], [], 0
    total    = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for number, one in enumerate(found.split(len(found.counts))):
        log_p, spread = log_probs(loaded, [letters[number // 4]], one, positions)
        value    = (log_p * weights[place:place + len(log_p)]).sum()
        place   += len(log_p)
        parts    = torch.autograd.grad(value, list(model.parameters()), allow_unused=True)
        total    = [a if b is None else a + b for a, b in zip(total, parts)]
        singly.append(log_p.detach())
        entropies.append(spread)
    torch.testing.assert_close(packed.detach(), torch.cat(singly), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(entropy, torch.cat(entropies), rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(wanted, total):
        # sums of large terms of both signs are as exact as their terms
        torch.testing.assert_close(torch.zeros_like(theirs) if ours is None else ours, theirs, rtol=1e-4,
                                   atol=1e-5 * max(1.0, float(theirs.abs().max())))


def test_one_prefix_pass_serves_all_completions_in_sampling_and_in_training(loaded, monkeypatch):
    model, calls = loaded.models["rope"], []
    before = type(model).encode
    monkeypatch.setattr(type(model), "encode", lambda self, batch: calls.append(len(batch["window_row"])) or
                        before(self, batch))
    found = sample(loaded, loaded.letters[:3])
    log_probs(loaded, loaded.letters[:3], found)
    assert calls == [3, 3]


def test_training_is_teacher_forcing_of_the_same_steps(loaded):
    """One completion of a window, read as `write` reads true steps."""

    letters = loaded.letters[:1]
    found   = sample(loaded, letters, completions=2).split(2)[1]
    ours, _ = log_probs(loaded, letters, found)
    model, batch = loaded.models["rope"], assemble(loaded, letters)
    prefix  = model.prefill(batch)
    types, positions = (torch.from_numpy(x)[None] for x in (found.types, found.positions))
    states  = model.write(prefix, batch, types, positions)[0, :-1]
    before  = torch.cat((torch.zeros(1, dtype=torch.int32), positions[0, :-1]))
    logits  = model.site_logits(prefix, batch, states, torch.zeros(len(states), dtype=torch.long), before,
                                *(torch.from_numpy(x) for x in (found.offsets, found.site_types,
                                                                found.site_positions)))
    expected = [part.log_softmax(0)[index] for part, index in
                zip(logits.tensor_split(torch.from_numpy(found.offsets[1:-1])), found.chosen - found.offsets[:-1])]
    torch.testing.assert_close(ours, torch.stack(expected), rtol=1e-5, atol=1e-5)


def test_the_sites_offered_are_the_grammars(loaded):
    found = sample(loaded, loaded.letters, max_steps=200)
    assert found.terminated.all()
    ends  = np.concatenate(([0], np.cumsum(found.counts)))
    steps = [(found.types[a:b], found.positions[a:b]) for a, b in itertools.pairwise(ends)]
    texts = [text for text in loaded.letters for _ in range(4)]
    offsets, types, positions, targets, _ = grammars.replay(texts, steps, **GRAMMAR)
    for ours, theirs in ((found.offsets, offsets), (found.site_types, types), (found.site_positions, positions),
                         (found.chosen, targets)):
        np.testing.assert_array_equal(ours, theirs)
    for (kinds, places), genes in zip(steps, found.genes):
        assert grammars.decode_sites(kinds, places) == genes


def test_a_completion_depends_on_its_window_and_seed_alone(loaded):
    whole = sample(loaded, loaded.letters).split(4)
    for order in ([2], [3, 0]):
        parts = sample(loaded, [loaded.letters[index] for index in order]).split(len(order))
        for index, part in zip(order, parts):
            np.testing.assert_array_equal(part.types, whole[index].types)
            np.testing.assert_array_equal(part.positions, whole[index].positions)
            np.testing.assert_allclose(part.log_probs, whole[index].log_probs, atol=1e-5)
            assert part.genes == whole[index].genes
    other = sample(loaded, loaded.letters, seed=1)
    assert other.genes != [genes for part in whole for genes in part.genes]


def test_what_is_too_long_is_cut_and_says_so(loaded):
    found = sample(loaded, loaded.letters, max_steps=3)
    assert found.counts.max() == 3 and not found.terminated.all()
    ends  = np.cumsum(found.counts) - 1
    np.testing.assert_array_equal(found.terminated, found.types[ends] == rollout.EOS)


@pytest.mark.parametrize("most", [5, 200])
def test_steps_alone_give_back_the_sites_they_were_drawn_from(loaded, most):
    found  = sample(loaded, loaded.letters, max_steps=most)
    again  = rollout.replay(loaded.letters, found.counts, found.types, found.positions, 4, GRAMMAR)
    for name, value in vars(found).items():
        if name not in ("genes", "log_probs"):
            np.testing.assert_array_equal(getattr(again, name), value)
    assert again.genes == found.genes and found.terminated.all() == (most == 200)
    types = found.types.copy()
    types[0] = 4
    with pytest.raises(ValueError, match="step 1 of a completion is no site"):
        rollout.replay(loaded.letters, found.counts, types, found.positions, 4, GRAMMAR)


def test_parts_join_to_the_whole(loaded):
    found  = sample(loaded, loaded.letters)
    joined = rollout.join(found.split(4))
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(joined, name), value) if name != "genes" else None
    assert joined.genes == found.genes


def test_sites_are_drawn_as_often_as_they_are_probable():
    logits  = np.log(np.array([0.5, 0.3, 0.2, 0.9, 0.1]))
    offsets = np.array([0, 3, 5])
    counts  = np.zeros(5)
    sites   = np.arange(5)
    for seed in range(3000):
        step = rollout._draw(logits, offsets, sites.astype(np.uint8), sites, 1.0,
                             [np.random.default_rng((seed, number)) for number in range(2)])
        counts[step["chosen"]] += 1
    # four standard deviations
    np.testing.assert_allclose(counts / 3000, np.exp(logits), atol=4 * 0.5 / 3000 ** 0.5)


@hy.given(st.lists(st.lists(st.floats(-20, 20), min_size=1, max_size=8), min_size=1, max_size=5), st.floats(0.05, 0.99))
@hy.settings(deadline=None)
def test_the_nucleus_is_the_fewest_sites_that_reach_the_share(parts, top_p):
    parts   = [np.array(part) - rollout.log_sums(np.array(part), np.array([0, len(part)]))[0] for part in parts]
    offsets = np.cumsum([0] + [len(part) for part in parts])
    kept    = np.split(rollout.nucleus(np.concatenate(parts), offsets, top_p), offsets[1:-1])
    for part, mine in zip(parts, kept):
        shares = np.sort(np.exp(part))[::-1]
        needed = int(np.searchsorted(np.cumsum(shares), top_p) + 1)
        # rounding may decide where the sum stands on the share
        hy.assume(abs(np.cumsum(shares) - top_p).min() > 1e-9)
        assert mine.sum() == min(needed, len(part))
        assert np.exp(part[mine]).min() >= shares[mine.sum() - 1]
