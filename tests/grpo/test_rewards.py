"""Rewards of completions."""

import hypothesis as hy
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.grpo.rewards as rewards
import genet5.score as score
import genet5.train.config as settings

GENE   = ("+", [(30, 60), (90, 120)])
OTHER  = ("-", [(200, 230)])
SEGMENTS = st.sets(st.integers(0, 60), min_size=2, max_size=6).map(
    lambda ends: list(zip(sorted(ends)[::2], sorted(ends)[1::2])))
WINDOWS  = st.lists(st.lists(st.tuples(st.sampled_from("+-"), SEGMENTS), max_size=3), min_size=1, max_size=5)


def scored(predictions, references):
    """A batch of completions, all of which ended."""

    windows = score.windows(predictions)
    return rewards.Scored(windows, score.windows(references), [b"A" * 300] * len(predictions),
                          rewards.reference_steps(windows), np.ones(len(predictions), bool))


def reward(predictions, references, custom=(), weights=None, penalty=0.25):
    """Rewards with the default weights."""

    batch  = scored(predictions, references)
    excess = rewards.length_excess(batch.steps, rewards.reference_steps(batch.references))
    return rewards.total(rewards.measures(batch, custom), weights or configs.WEIGHTS, excess, penalty)


@hy.given(WINDOWS, st.lists(st.integers(0, 4), max_size=8))
def test_windows_are_gathered_as_a_list_is(genes, indices):
    indices = [index % len(genes) for index in indices]
    found   = rewards.gather(score.windows(genes), np.array(indices, dtype=np.int64))
    for ours, theirs in zip(found, score.windows([genes[index] for index in indices])):
        np.testing.assert_array_equal(ours, theirs)


@hy.given(WINDOWS)
def test_a_reference_has_two_steps_a_segment_and_an_end(genes):
    assert rewards.reference_steps(score.windows(genes)).tolist() == [
        1 + 2 * sum(len(segments) for _, segments in window) for window in genes]


def test_the_truth_is_worth_one_and_the_right_order_follows():
    half    = ("+", [(30, 60), (90, 126)])
    values  = reward([[GENE], [half], [OTHER], []], [[GENE]] * 4)
    assert values[0] == 1.0
    assert values[0] > values[1] > values[3]
    assert values[2] == values[3]


def test_an_empty_window_rewards_silence():
    values = reward([[], [GENE], [GENE, OTHER]], [[], [], []])
    assert values[0] == 1.0
    # validity is all that is left, and the length costs what it may
    assert values[1] == values[2] == pytest.approx(0.25 / 2.5 - 0.25)


def test_needless_length_costs_and_brevity_does_not():
    steps, reference = np.array([1, 5, 7, 8, 10, 30]), np.full(6, 5)
    np.testing.assert_allclose(rewards.length_excess(steps, reference), [0, 0, 0, 0.1, 0.5, 1])


def test_the_weights_decide_and_are_normalised():
    assert reward([[("+", [(30, 60)])]], [[GENE]], weights={"exon": 2.0}, penalty=0)[0] == pytest.approx(2 / 3)
    both = reward([[("+", [(30, 60)])]], [[GENE]], weights={"exon": 1.0, "gene": 3.0}, penalty=0)
    assert both[0] == pytest.approx(2 / 3 / 4)


def test_a_reward_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import numpy as np\n"
                                      "def brevity(scored):\n    return 1 / scored.steps\n"
                                      "def broken(scored):\n    return np.zeros(1)\n"
                                      "def nan(scored):\n    return np.full(len(scored.steps), np.nan)\n"
                                      "def failing(scored):\n    return {}['x']\n"
                                      "def gene(scored):\n    return scored.steps\n")
    monkeypatch.chdir(tmp_path)
    name, function = rewards.load("mine:brevity")
    assert name == "brevity"
    assert rewards.measures(scored([[GENE], []], [[], []]), [(name, function)])["brevity"].tolist() == [1 / 5, 1]
    with pytest.raises(errors.DataError, match="broken must return 2 finite numbers"):
        rewards.measures(scored([[GENE], []], [[], []]), [rewards.load("mine:broken")])
    with pytest.raises(errors.DataError, match=r"nan must return 2 finite numbers.*some are NaN"):
        rewards.measures(scored([[GENE], []], [[], []]), [rewards.load("mine:nan")])
    with pytest.raises(errors.DataError, match=r"failing failed: KeyError: 'x' \(.*mine.py, line 9"):
        rewards.measures(scored([[GENE], []], [[], []]), [rewards.load("mine:failing")])
    (tmp_path / "torn.py").write_text("def f(:\n")
    for text in ("mine", "torn:f", "mine:missing", "nowhere_to_be_found:f", "mine:gene", "mine:np"):
        with pytest.raises(errors.DataError, match="--reward"):
            rewards.load(text)


def test_settings_that_cannot_be_are_refused():
    for field, value in (("num_generations", 1), ("top_p", 0.0), ("loss_type", "ppo"), ("scale_rewards", "all"),
                         ("temperature", 0.0), ("reward_weights", {"gene": -1.0})):
        with pytest.raises(errors.DataError, match=field):
            configs.GrpoConfig(**{field: value})
    with pytest.raises(errors.DataError, match="reward_weights names exons; there are"):
        configs.GrpoConfig(reward_weights={"exons": 1.0}).weights([])
    with pytest.raises(errors.DataError, match="at least one weight"):
        configs.GrpoConfig(reward_weights=dict.fromkeys(configs.WEIGHTS, 0.0)).weights([])
    with pytest.raises(ValueError, match="MEASURE=WEIGHT"):
        configs.parse_weights("gene")


def test_settings_survive_their_file():
    config = configs.GrpoConfig(loss_type="gspo", reward_weights={"gene": 2.0}, reward=["a:b"])
    assert configs.GrpoConfig.from_dict(config.to_dict()) == config
    assert not set(configs.UNREAD) & set(config.to_dict())
    with pytest.raises(errors.DataError, match="one of genet5 sft"):
        configs.GrpoConfig.from_dict(settings.TrainConfig().to_dict())
    assert config.clips == (3e-4, 4e-4)
    assert configs.GrpoConfig(epsilon=0.1, epsilon_high=0.3).clips == (0.1, 0.3)
