//! What goes out and comes back is the same: tokens, shards, gene models.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use genet5_core::annotation;
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::gff3::{self, OutputGene};
use genet5_core::shard::{GeneRecord, Meta, Sample, Shard, Writer};
use genet5_core::tokenizer::{train, Corpus, Tokenizer, TrainOptions};
use proptest::prelude::*;

/// A vocabulary that is learnt from a text of its own.
fn tokenizer() -> Tokenizer {
    let mut corpus = Corpus::new(1000).expect("a corpus");
    corpus.add(&b"ACGTTGCAACCGGTTATATATACGCGAAAATTTTGATTACA".repeat(20)).expect("added");
    let options = TrainOptions { vocab_size: 120, max_token_length: 12, min_count: 2 };
    train(corpus, &options, &mut |_, _| {}, &AtomicBool::new(false)).expect("learnt")
}

/// A gene of up to three segments on a sequence of 1,000 bases.
fn model() -> impl Strategy<Value = GeneModel> {
    (any::<bool>(), prop::collection::btree_set(0u32..1000, 2..7)).prop_map(|(plus, cuts)| GeneModel {
        strand: if plus { Strand::Plus } else { Strand::Minus },
        segments: cuts
            .into_iter()
            .collect::<Vec<_>>()
            .chunks_exact(2)
            .map(|cut| Interval::new(cut[0], cut[1]))
            .collect(),
    })
}

fn sample(number: usize, letters: Vec<u8>, genes: &[GeneModel], ids: Vec<u32>) -> Sample {
    let length = letters.len() as u32;
    Sample {
        meta: Meta {
            key: format!("A_one-train-{number:07}"),
            species: "A.one".into(),
            contig: "chr \"1\"".into(),
            start: 7,
            end: 7 + length,
            genetic_code: 1,
            split: "train".into(),
            genes: genes.iter().map(|gene| GeneRecord::new("g\u{e9}\n", gene, 0)).collect(),
            others: vec!["x".into()],
        },
        labels: letters.iter().map(|letter| letter % 9).collect(),
        starts: (0..ids.len() as u32).collect(),
        reverse_tokens: ids.len() as u32,
        ids,
        letters,
        steps: "<eos>".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tokens_spell_the_letters(letters in prop::collection::vec(prop::sample::select(b"ACGTacgtN".to_vec()), 0..400)) {
        let tokenizer = tokenizer();
        let encoding = tokenizer.encode(&letters);
        let spelt: String = encoding.ids.iter().map(|&id| match tokenizer.tokens()[id as usize].as_str() {
            "[UNK]" => "N",
            token => token,
        }).collect();
        prop_assert_eq!(spelt.as_bytes(), letters.to_ascii_uppercase());
    }

    #[test]
    fn a_tokenizer_survives_its_file(add in prop::collection::vec("[ACGT]{1,60}", 1..5)) {
        let mut corpus = Corpus::new(50).expect("a corpus");
        add.iter().for_each(|text| corpus.add(text.repeat(3).as_bytes()).expect("added"));
        let options = TrainOptions { vocab_size: 40, max_token_length: 8, min_count: 2 };
        let Ok(learnt) = train(corpus, &options, &mut |_, _| {}, &AtomicBool::new(false)) else { return Ok(()) };
        let again = Tokenizer::from_json(&learnt.to_json()).expect("its own file");
        prop_assert_eq!(again.hash(), learnt.hash());
        prop_assert_eq!(again.to_json(), learnt.to_json());
    }

    #[test]
    fn shards_give_back_what_was_written(
        windows in prop::collection::vec(
            (prop::collection::vec(prop::sample::select(b"ACGTNRY".to_vec()), 1..1500),
             prop::collection::vec(model(), 0..4),
             prop::collection::vec(any::<u32>(), 0..300)),
            0..6,
        )
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shard_000.tar");
        let samples: Vec<Sample> = windows
            .into_iter()
            .enumerate()
            .map(|(number, (letters, genes, ids))| {
                let inside = |gene: &&GeneModel| gene.end() as usize <= letters.len();
                let genes: Vec<GeneModel> = genes.iter().filter(inside).cloned().collect();
                sample(number, letters, &genes, ids)
            })
            .collect();
        let mut writer = Writer::create(&path).expect("a file");
        samples.iter().for_each(|sample| writer.write(&sample.encode().expect("a sample")).expect("written"));
        writer.finish().expect("finished");
        let shard = Shard::open(&path).expect("opened");
        prop_assert_eq!(shard.entries().len(), samples.len());
        for (number, sample) in samples.iter().enumerate() {
            let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
            prop_assert_eq!(shard.meta(number).expect("meta"), sample.meta.clone());
            prop_assert_eq!(shard.letters(number), &sample.letters[..]);
            prop_assert_eq!(shard.file(number, 2), words(&sample.ids));
            prop_assert_eq!(shard.file(number, 3), words(&sample.starts));
            let truth = shard.window(number).expect("a window").truth.expect("targets");
            prop_assert_eq!(truth.labels, sample.labels.clone());
            let genes: Vec<GeneModel> = sample.meta.genes.iter().map(GeneRecord::model).collect();
            prop_assert_eq!(truth.genes, genes);
        }
    }

    #[test]
    fn genes_come_back_from_gff3_and_gtf(genes in prop::collection::vec(model(), 0..8)) {
        let contigs = [("c".to_string(), 1000u64)];
        let written: Vec<OutputGene> =
            genes.into_iter().map(|model| OutputGene { contig: 0, model, score: None }).collect();
        let mut text = Vec::new();
        let plan = gff3::write(&mut text, &contigs, &written, "", "x").expect("written");
        let mut gtf = String::new();
        for (index, id) in &plan.order {
            let model = &written[*index].model;
            for (segment, phase) in model.segments.iter().zip(model.phases()) {
                let (start, end, strand) = (segment.start + 1, segment.end, model.strand.symbol());
                gtf.push_str(&format!(
                    "c\tx\tCDS\t{start}\t{end}\t.\t{strand}\t{phase}\tgene_id \"{id}\"; transcript_id \"{id}.t1\";\n"
                ));
            }
        }
        for text in [&text[..], gtf.as_bytes()] {
            let back = annotation::parse(Path::new("x"), text).expect("legal");
            prop_assert!(back.repairs.is_empty(), "{:?}", back.repairs);
            let models: Vec<_> = back.genes.iter().map(|gene| gene.model().expect("coding")).collect();
            let expected: Vec<_> = plan.order.iter().map(|(index, _)| written[*index].model.clone()).collect();
            prop_assert_eq!(models, expected);
        }
    }
}
