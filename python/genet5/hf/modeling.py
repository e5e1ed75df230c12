"""GeneT5's network as PreTrainedModel classes: the same layers, the same files, no second implementation.

Shapes: R rows, T tokens of a row, B bases of a row, C width, K key width, M sites that the grammar allows.
"""

import dataclasses
import functools
import pathlib

import torch
import transformers
import transformers.utils as utilities

import genet5.data.batch as batching
import genet5.errors as errors
import genet5.hf.configuration as configuration
import genet5.inference.predict as predicting
import genet5.model.experts as experts
import genet5.model.folder as folders
import genet5.model.loss as loss
import genet5.model.network as network
import genet5.tokenizer as tk

# tensors of a batch (see genet5.data.batch.assemble) that every forward pass needs, and those of the targets
INPUTS  = ("tokens", "token_position", "token_window", "bases", "base_token", "channels", "window_row", "window_base",
           "window_bases", "window_token", "window_tokens")
TARGETS = ("labels", "step_type", "step_position", "step_count", "allowed_offsets", "allowed_type", "allowed_position",
           "allowed_target", "allowed_window")
# arguments of from_pretrained that say where a hub keeps a file
PLACES  = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")


@dataclasses.dataclass
class GeneT5ModelOutput(utilities.ModelOutput):
    """What GeneT5Model makes of windows.

    last_hidden_state: float [R, T, C], states of the tokens
    """

    last_hidden_state: torch.Tensor = None


@dataclasses.dataclass
class GenePredictionOutput(utilities.ModelOutput):
    """What GeneT5ForGenePrediction makes of windows.

    loss:                float scalar, with targets only: the weighted sum of the mean losses, as `genet5 sft` has it
    site_logits:         float [M], with targets only: of all sites that the grammar allows, step by step; the sites
                         of step n are allowed_offsets[n] to allowed_offsets[n + 1] of the batch
    segmentation_logits: float [R, B, 9] per base: intergenic, codon position 1 to 3 on either strand, intron on
                         either strand
    potentials:          float [R, B, 17], of the exact decoder's lattice
    last_hidden_state:   float [R, T, C], states of the tokens
    losses:              dict of scalars, with targets only: the mean loss of each head (nats)
    """

    loss:                torch.Tensor = None
    site_logits:         torch.Tensor = None
    segmentation_logits: torch.Tensor = None
    potentials:          torch.Tensor = None
    last_hidden_state:   torch.Tensor = None
    losses:              dict         = None


class GeneT5Model(network.GeneT5, transformers.PreTrainedModel):
    """The network without its outputs; it holds all weights, so that a folder of it is a whole model.

    config: GeneT5Config
    """

    config_class                    = configuration.GeneT5Config
    main_input_name                 = "tokens"
    supports_gradient_checkpointing = True
    # the loss is a mean: whoever accumulates gradients divides by the number of batches
    accepts_loss_kwargs             = False
    # where the tokenizer lies
    folder                          = None

    def __init__(self, config):
        config.core()
        transformers.PreTrainedModel.__init__(self, config)
        self.build()
        self.post_init()

    def forward(self, return_dict=None, **batch):
        """States of the tokens of packed windows.

        batch: tensors as genet5.data.batch.assemble names them, see `prepare`
        returns GeneT5ModelOutput, or a tuple with return_dict=False
        raises TypeError where a tensor is missing, ValueError where one was cut
        """

        _demand(batch, INPUTS)
        _, states_RTC, _ = self.encode(batch)
        return self._answer(GeneT5ModelOutput(last_hidden_state=states_RTC), return_dict)

    def prepare(self, sequences, **options):
        """Tensors of windows for `forward`, on the model's device.

        sequences: list of str or bytes, windows
        options:   of genet5.data.batch.assemble, as genes and labels for targets
        returns dict
        raises DataError where the model has no tokenizer
        """

        letters = [sequence.encode() if isinstance(sequence, str) else sequence for sequence in sequences]
        arrays  = batching.assemble(letters, self._tokenizer(), **{**self.config.grammar(), **options})
        return collate([arrays], self.device)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, output_loading_info=False, **options):
        """Read a model folder, of `genet5` or of save_pretrained, or a model of a hub.

        options: of PreTrainedModel.from_pretrained, as dtype (torch_dtype before transformers 4.56)
        raises DataError where the weights are not those of the configuration: a part left random is no model
        """

        model, report = super().from_pretrained(pretrained_model_name_or_path, *args, output_loading_info=True,
                                                **options)
        for kind in ("missing", "mismatched", "unexpected"):
            wrong = sorted(map(str, report[f"{kind}_keys"]))
            if wrong:
                raise errors.DataError(f"{pretrained_model_name_or_path}: the weights do not fit config.json: {kind} "
                                       f"{', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''}")
        for mixture in experts.of(model):
            # training moves it by less than bfloat16 can hold
            mixture.balance = mixture.balance.float()
        if pretrained_model_name_or_path is not None:
            model.folder = _tokenizer_folder(pretrained_model_name_or_path, options)
        return (model, report) if output_loading_info else model

    def save_pretrained(self, save_directory, is_main_process=True, **options):
        """Write a model folder, which `genet5` reads as well; the tokenizer goes with it where the model has one.

        options: of PreTrainedModel.save_pretrained, as max_shard_size
        """

        super().save_pretrained(save_directory, is_main_process=is_main_process, **options)
        if is_main_process and self.folder is not None:
            folders.save_tokenizer(self.folder / folders.TOKENIZER, save_directory)

    def get_input_embeddings(self):
        """The embedding of the tokens."""

        return self.embed

    def set_input_embeddings(self, value):
        """Replace the embedding of the tokens."""

        self.embed = value

    def _init_weights(self, module):
        # `build` has drawn the weights; buffers that no file holds are empty after loading
        if module is self and self.slopes is not None:
            self.slopes.copy_(network.slopes(self.config))
        if isinstance(module, experts.Experts):
            module.forget_loads()

    def _set_gradient_checkpointing(self, enable=True, gradient_checkpointing_func=None, every_n_layers=1):
        if every_n_layers != 1:
            raise ValueError(f"every_n_layers is {every_n_layers}; GeneT5 checkpoints all of its blocks, 1")
        self.gradient_checkpointing = enable
        if enable:
            # the losses of the experts' routers get no gradient from the reentrant form
            self._gradient_checkpointing_func = functools.partial(gradient_checkpointing_func, use_reentrant=False)

    def _answer(self, output, return_dict):
        wanted = self.config.return_dict if return_dict is None else return_dict
        return output if wanted else output.to_tuple()

    def _tokenizer(self):
        if self.folder is None:
            raise errors.DataError("this model has no tokenizer: read it from a folder that holds tokenizer.json, or "
                                   "name one with model.folder")
        return tk.load(pathlib.Path(self.folder) / folders.TOKENIZER)


class GeneT5ForGenePrediction(GeneT5Model):
    """The network with its outputs: sites, segmentation, the exact decoder's potentials, and the loss.

    config: GeneT5Config
    """

    def forward(self, labels=None, return_dict=None, **batch):
        """Logits of packed windows, and with targets their loss.

        labels: uint8 [R, B] or None, 255 where not known
        batch:  tensors as genet5.data.batch.assemble names them, see `prepare`; with labels also the other targets
        returns GenePredictionOutput, or a tuple with return_dict=False
        raises TypeError where a tensor is missing, ValueError where one was cut
        """

        _demand(batch, INPUTS)
        prefix = self.prefill(batch)
        output = GenePredictionOutput(segmentation_logits=prefix.segmentation, potentials=prefix.potentials,
                                      last_hidden_state=prefix.states)
        if labels is not None:
            batch["labels"] = labels
            _demand(batch, TARGETS)
            parts  = loss.losses(self, batch, prefix=prefix)
            means  = {head: loss.total(parts, parts, {head: 1.0}) for head in loss.WEIGHTS}
            output = dataclasses.replace(output, site_logits=parts["site_logits"], losses=means,
                                         loss=sum(weight * means[head] for head, weight in loss.WEIGHTS.items()))
        return self._answer(output, return_dict)

    def predict(self, genome, threads=0, **wanted):
        """The genes of a genome or of a sequence, decoded as `genet5 predict` does.

        genome:  path of a FASTA file; or letters as str or bytes; or a dict name -> letters
        threads: int, 0 takes all cores
        wanted:  see genet5.inference.predict.Predictor.predict
        returns a list of genet5.inference.genes.Gene
        """

        training = self.training
        self.eval()
        try:
            return predicting.Predictor(self, self._tokenizer(), threads).predict(genome, **wanted)
        finally:
            self.train(training)


def collate(batches, device="cpu"):
    """Hugging Face's Trainer takes its batches through this: packed batches of arrays, one at a time.

    batches: list of one dict of arrays, from genet5.data.batch.assemble or a genet5.data.reader.Reader
    returns dict of tensors
    raises ValueError for more than one: rows_per_batch and row_tokens of the reader say how much a batch holds
    """

    if len(batches) != 1:
        raise ValueError(f"{len(batches)} packed batches at once; set per_device_train_batch_size and "
                         f"per_device_eval_batch_size to 1")
    tensors = batching.to_torch(batches[0], device)
    return {name: tensors[name] for name in (*INPUTS, *TARGETS) if name in tensors}


def _demand(batch, names):
    missing = [name for name in names if batch.get(name) is None]
    if missing:
        raise TypeError(f"the batch lacks {', '.join(missing)}; genet5.data.batch.assemble makes all of its tensors")
    # accelerate cuts all tensors to as many entries as the first one has rows, where it hands them out itself
    if int(batch["token_window"].max()) >= len(batch["window_row"]) or \
            ("allowed_target" in batch and len(batch["allowed_offsets"]) != len(batch["allowed_target"]) + 1):
        raise ValueError("the batch has lost a part of its windows or targets; in TrainingArguments, "
                         "accelerator_config={'dispatch_batches': False} leaves batches whole")


def _tokenizer_folder(source, options):
    """The folder that holds a model's tokenizer.json, None where there is none."""

    found = utilities.cached_file(source, folders.TOKENIZER, _raise_exceptions_for_missing_entries=False,
                                  **{name: options[name] for name in PLACES if name in options})
    return None if found is None else pathlib.Path(found).parent
