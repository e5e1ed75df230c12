"""The configuration as a PretrainedConfig: the fields of ModelConfig, and what Hugging Face adds."""

import dataclasses

import transformers

import genet5.model.config as configs

FIELDS = tuple(field.name for field in dataclasses.fields(configs.ModelConfig))
# Hugging Face's usual names, and ours
NAMES  = {"hidden_size": "width", "num_hidden_layers": "num_layers", "num_attention_heads": "num_heads",
          "intermediate_size": "feed_forward", "pad_token_id": "pad_id"}


class GeneT5Config(transformers.PretrainedConfig):
    """What a model is made of; its config.json is that of `genet5 init`.

    fields: fields of genet5.model.config.ModelConfig, also under Hugging Face's usual names (hidden_size …), and
            PretrainedConfig's own
    raises TypeError without vocab_size, ValueError where two fields contradict each other
    """

    model_type              = "genet5"
    attribute_map           = NAMES
    has_no_defaults_at_init = True

    def __init__(self, **fields):
        fields = {NAMES.get(name, name): value for name, value in fields.items()}
        core   = configs.ModelConfig(**{name: fields.pop(name) for name in FIELDS if name in fields})
        super().__init__(**fields)
        # later than Hugging Face's own, among which there is another top_k
        for name in FIELDS:
            setattr(self, name, getattr(core, name))

    def core(self):
        """The same as a ModelConfig.

        raises ValueError where two fields contradict each other
        """

        return configs.ModelConfig(**{name: getattr(self, name) for name in FIELDS})

    def grammar(self):
        """Keyword arguments of the grammar and the lattice."""

        return self.core().grammar()

    def to_dict(self):
        """A dict of plain values for config.json."""

        kept = {name: self.__dict__[name] for name in ("architectures", "dtype", "torch_dtype")
                if self.__dict__.get(name) is not None}
        for name in {"dtype", "torch_dtype"} & set(kept):
            kept[name] = str(kept[name]).removeprefix("torch.")
        return {**self.core().to_dict(), **kept, "transformers_version": transformers.__version__}

    def to_diff_dict(self):
        """The same: a folder says all that its model is made of."""

        return self.to_dict()

    def _get_generation_parameters(self):
        # top_k counts experts, not the tokens that `generate` draws from
        return {}

    _get_non_default_generation_parameters = _get_generation_parameters
