"""GeneT5 as Hugging Face knows models: importing this module registers it with AutoConfig and AutoModel.

    import genet5.hf as hf

    model = hf.GeneT5ForGenePrediction.from_pretrained("model/yeast")
    genes = model.predict("genome.fa")

Model folders are the same as those of `genet5 init` and `genet5 sft`, in both directions.
"""

import transformers

import genet5.hf.configuration as configuration
import genet5.hf.modeling as modeling

GeneT5Config            = configuration.GeneT5Config
GeneT5Model             = modeling.GeneT5Model
GeneT5ForGenePrediction = modeling.GeneT5ForGenePrediction
GeneT5ModelOutput       = modeling.GeneT5ModelOutput
GenePredictionOutput    = modeling.GenePredictionOutput
collate                 = modeling.collate

__all__ = ["GenePredictionOutput", "GeneT5Config", "GeneT5ForGenePrediction", "GeneT5Model", "GeneT5ModelOutput",
           "collate"]

transformers.AutoConfig.register(GeneT5Config.model_type, GeneT5Config)
transformers.AutoModel.register(GeneT5Config, GeneT5Model)
