//! What must hold for every input, whatever its bytes: no panic, no endless loop, and no answer that
//! contradicts another one. The fuzz targets call these functions with new inputs, and the tests of
//! genet5-core with the inputs that were kept in `seeds/`.

use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};

use genet5_core::annotation::{self, Annotation, Feature};
use genet5_core::batch::{self, Rows, Rules};
use genet5_core::checklist;
use genet5_core::fasta::{self, Contig, IndexedFasta, Letters};
use genet5_core::gene::GeneModel;
use genet5_core::genetic_code::GeneticCode;
use genet5_core::grammar::{self, Grammar, GrammarConfig, Site};
use genet5_core::score::{self, GeneSet, Isoforms, Selection};
use genet5_core::score::{cie, gffcompare, gt_eval};
use genet5_core::shard::Shard;
use genet5_core::tokenizer::Tokenizer;
use genet5_core::{dna, validate, Result};

thread_local! {
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    /// A pool of this very thread: inputs are too small to be worth another one.
    static ALONE: bool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().is_ok();
}

/// A file of this thread with that content.
fn file(name: &str, content: &[u8]) -> PathBuf {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    })
}

/// FASTA, plain or gzip: the index and the compressed file say what the plain file says, and a
/// compressed file that is cut off says nothing.
pub fn fasta(data: &[u8]) {
    let plain = fasta::parse(Path::new("x.fna"), data, Letters::Upper);
    let path = file("x.fna", data);
    let _ = std::fs::remove_file(path.with_extension("fna.fai"));
    // made anew, then from the stored index
    for _ in 0..2 {
        let indexed = IndexedFasta::open(&path);
        match &plain {
            Ok(contigs) => same_contigs(contigs, &indexed.expect("legal")),
            // letters are looked at only where they are fetched
            Err(_) => indexed.iter().for_each(fetch_all),
        }
    }
    let Ok(contigs) = plain.as_ref() else { return };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(data).expect("written");
    let packed = packed.finish().expect("finished");
    if !genet5_core::files::is_gzip(data) {
        assert_eq!(&fasta::parse(Path::new("x.fna.gz"), &packed, Letters::Upper).expect("legal"), contigs);
    }
    assert!(fasta::parse(Path::new("x.fna.gz"), &packed[..packed.len() - 1], Letters::Upper).is_err());
}

fn same_contigs(contigs: &[Contig], indexed: &IndexedFasta) {
    let names: Vec<_> = contigs.iter().map(|c| (c.name.clone(), c.sequence.len() as u64)).collect();
    assert_eq!(indexed.contigs(), names);
    for contig in contigs {
        assert_eq!(indexed.fetch_all(&contig.name).expect("there"), contig.sequence);
        let half = contig.sequence.len() / 2;
        let found = indexed.fetch(&contig.name, half as u64, contig.sequence.len() as u64);
        assert_eq!(found.expect("there"), contig.sequence[half..]);
    }
}

fn fetch_all(indexed: &IndexedFasta) {
    for (name, _) in indexed.contigs() {
        let _ = indexed.fetch_all(&name);
    }
}

/// GFF3 and GTF: the reader's models hold what models must hold, the fast way through tidy files agrees
/// with it, and a file compared with itself is without a fault, by every preset that reads it.
pub fn gff(data: &[u8]) {
    assert!(ALONE.with(|&alone| alone));
    let path = file("x.gff3", data);
    let read = annotation::read(&path);
    if let Ok(annotation) = &read {
        hold(annotation);
    }
    let longest = GeneSet::read(&path, &Selection::default());
    // tidy files with a fault in what genes do not need are read all the same
    assert!(longest.is_ok() || read.is_err());
    if let (Ok(annotation), Ok(set)) = (&read, &longest) {
        let models = annotation.genes.iter().filter_map(|gene| Some((gene.contig.as_str(), gene.model()?)));
        assert_eq!(set.models().collect::<Vec<_>>(), models.collect::<Vec<_>>());
    }
    for feature in [Feature::Cds, Feature::Exon] {
        let selection = Selection { isoforms: Isoforms::All, feature, ..Selection::default() };
        if let Ok(set) = GeneSet::read(&path, &selection) {
            score::compare(&set, &set).rows.iter().for_each(is_perfect);
        }
    }
    if let Ok(loaded) = cie::Loaded::parse(&path, data) {
        let _ = cie::evaluate(&loaded, &loaded, true);
    }
    for options in [gffcompare::Options::default(), gffcompare::Options::cds3()] {
        if let Ok(loaded) = gffcompare::Loaded::parse(&path, data, &options) {
            gffcompare::evaluate(&loaded, &loaded, &options).original();
        }
    }
    if let Ok(loaded) = gt_eval::Loaded::parse(&path, data) {
        gt_eval::evaluate(&loaded, &loaded, &gt_eval::Options::default()).original();
    }
    let _ = checklist::check(&path, None, &checklist::Options::default());
}

fn hold(annotation: &Annotation) {
    for gene in &annotation.genes {
        assert!(!gene.transcripts.is_empty() && annotation.contigs.contains(&gene.contig));
        for transcript in &gene.transcripts {
            assert!(!transcript.cds.is_empty());
            assert!(transcript.cds.iter().all(|c| c.start < c.end && c.phase < 3));
            assert!(transcript.cds.is_sorted_by_key(|c| (c.start, c.end)));
        }
    }
}

fn is_perfect(row: &score::Row) {
    assert_eq!(row.n_reference, row.n_prediction, "{row:?}");
    assert_eq!((row.tp_reference, row.tp_prediction), (row.n_reference, row.n_prediction), "{row:?}");
}

/// A tokenizer.json: what is accepted encodes to tokens whose texts are the sequence, survives being
/// written, and can be given the gene language.
pub fn tokenizer_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(tokenizer) = Tokenizer::from_json(text) else { return };
    let again = Tokenizer::from_json(&tokenizer.to_json()).expect("its own text");
    assert_eq!(again.hash(), tokenizer.hash());
    for sequence in
        [b"" as &[u8], b"A", b"acgtNNacgtRYK", &b"ACGTTGCAACCGGTTA".repeat(20), &[b'A'; 500], data]
    {
        spells(&tokenizer, sequence);
    }
    let whole = tokenizer.with_gene_language().expect("a tokenizer of DNA");
    assert!(whole.has_gene_language());
    assert_eq!(whole.tokens()[..tokenizer.vocab_size()], tokenizer.tokens()[..]);
    assert_eq!(whole.encode(b"ACGTTGCANACC"), tokenizer.encode(b"ACGTTGCANACC"));
}

fn spells(tokenizer: &Tokenizer, sequence: &[u8]) {
    let encoding = tokenizer.encode(sequence);
    let ends = encoding.starts.iter().skip(1).copied().chain([sequence.len() as u32]);
    let mut at = 0;
    for ((&id, &start), end) in encoding.ids.iter().zip(&encoding.starts).zip(ends) {
        assert!(start == at && end > start);
        at = end;
        let piece = sequence[start as usize..end as usize].to_ascii_uppercase();
        let token = &tokenizer.tokens()[id as usize];
        assert!(token.as_bytes() == piece || (piece.len() == 1 && !b"ACGT".contains(&piece[0])));
    }
    assert_eq!(at as usize, sequence.len());
}

/// A shard: the text of its index, a zero byte, and the tar. What opens can be read to its last sample,
/// turned, cut and made into a batch, or is refused as damaged.
pub fn shard(data: &[u8]) {
    assert!(ALONE.with(|&alone| alone));
    let Some(at) = data.iter().position(|&byte| byte == 0) else { return };
    file("x.idx", &data[..at]);
    let Ok(shard) = Shard::open(&file("x.tar", &data[at + 1..])) else { return };
    for sample in 0..shard.entries().len() {
        let _ = shard.meta(sample);
        let lengths: usize = (0..6).map(|number| shard.file(sample, number).len()).sum();
        assert!(lengths <= 6 * data.len());
        let Ok(window) = shard.window(sample) else { continue };
        let length = window.letters.len();
        let windows = [window.crop(length / 4, length - length / 4), window.reverse_complement(), window];
        let _ = assemble(&windows);
    }
}

fn assemble(windows: &[batch::Window]) -> Result<batch::BatchArrays> {
    thread_local! {
        static TOKENIZER: Tokenizer = Tokenizer::from_json(TINY).expect("a tokenizer");
    }
    let rules = Rules::new(&GrammarConfig::default(), &[1])?;
    TOKENIZER.with(|tokenizer| batch::assemble(windows, &Rows::Packed(1 << 16), tokenizer, &rules, 4))
}

const TINY: &str = r#"{"model": {"type": "BPE", "unk_token": "[UNK]", "vocab":
    {"[UNK]": 0, "A": 1, "C": 2, "G": 3, "T": 4, "AC": 5, "GT": 6, "ACGT": 7},
    "merges": ["A C", "G T", "AC GT"]}, "added_tokens": [{"id": 0, "content": "[UNK]", "special": true}]}"#;

/// The gene language: a line of letters, then text. Text that is accepted comes back, any text can be
/// read against the letters, and whoever writes what is allowed ends with valid genes.
pub fn language(data: &[u8]) {
    let at = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let codes = dna::encode(&data[..at]);
    let rest = &data[(at + 1).min(data.len())..];
    let config = GrammarConfig { min_intron: 4, ..GrammarConfig::default() };
    let window = Grammar::new(&config).expect("a grammar").window(&codes);
    if let Ok(sites) = grammar::parse_text(&String::from_utf8_lossy(rest)) {
        assert_eq!(grammar::parse_text(&grammar::to_text(&sites)).expect("its own text"), sites);
        let genes = grammar::decode_sites(&sites).expect("checked");
        assert_eq!(grammar::encode_genes(&genes), sites);
        let replay = window.replay(&sites).expect("checked");
        assert_eq!(replay.steps(), sites.len());
        if replay.masked() == 0 {
            genes.iter().for_each(|gene| is_valid(gene, &codes, &config));
        }
        let mut state = window.begin();
        let _ = sites.iter().try_for_each(|&site| window.advance(&mut state, site));
    }
    let mut state = window.begin();
    let mut choices = rest.iter().map(|&byte| usize::from(byte)).chain(std::iter::repeat(0));
    while !state.finished() {
        let allowed: Vec<Site> = window.allowed(&state);
        assert!(!allowed.is_empty(), "a dead end");
        let site = allowed[choices.next().unwrap_or(0) % allowed.len()];
        window.advance(&mut state, site).expect("allowed");
    }
    window.genes(&state).iter().for_each(|gene| is_valid(gene, &codes, &config));
}

fn is_valid(gene: &GeneModel, codes: &[u8], config: &GrammarConfig) {
    let code = GeneticCode::ncbi(config.genetic_code).expect("a code");
    assert_eq!(validate::check(gene, codes, config, &code), Ok(()), "{gene:?}");
}
