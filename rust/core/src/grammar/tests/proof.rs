//! The machine lets through exactly the genes there are, never ends dead, and is its own mirror.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::naive;
use crate::dna;
use crate::gene::{GeneModel, Interval, Strand};
use crate::genetic_code::GeneticCode;
use crate::grammar::*;
use crate::validate;

/// Windows of at most 60 bases, rich in what makes genes.
pub fn window() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["ATG", "TAA", "TGA", "TAG", "GT", "AG", "GT", "AG", "GC", "AT", "AC"]),
        2 => prop::sample::select(vec!["A", "C", "G", "T"]),
        1 => prop::sample::select(vec!["CAT", "TTA", "CTA", "TCA", "AC", "CT", "CTG", "TTG", "ACG"]),
    ];
    let rare = prop_oneof![12 => piece, 1 => Just("N")];
    prop::collection::vec(rare, 0..40).prop_map(|pieces| {
        let mut codes = dna::encode(pieces.concat().as_bytes());
        codes.truncate(60);
        codes
    })
}

/// Configurations with short introns.
pub fn config() -> impl Strategy<Value = GrammarConfig> {
    let max_extra = prop_oneof![2 => Just(None), 1 => (0u32..20).prop_map(Some)];
    let codes = prop::sample::select(vec![1u8, 1, 6, 12, 22, 2]);
    (codes, any::<bool>(), 4u32..8, max_extra).prop_map(|(genetic_code, table_starts, min_intron, extra)| {
        let max_intron = extra.map_or(0, |extra| min_intron + extra);
        GrammarConfig { genetic_code, table_starts, min_intron, max_intron }
    })
}

fn choices(count: usize) -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), count)
}

/// Small changes to genes: which gene, which edge, by how much, whether on the other strand.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, prop::sample::Index, i32, bool)>> {
    let change =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), -7i32..8, prop::bool::weighted(0.1));
    prop::collection::vec(change, 30)
}

/// Per beginning of a gene the sites that may come next.
type Paths = BTreeMap<Vec<Site>, BTreeSet<Site>>;

/// All beginnings of one gene that the machine can reach.
fn machine_paths(window: &WindowGrammar) -> (Paths, BTreeSet<GeneModel>) {
    let (mut paths, mut genes) = (Paths::new(), BTreeSet::new());
    let mut stack = vec![(window.begin(), Vec::new())];
    while let Some((state, written)) = stack.pop() {
        if let Some(gene) = window.genes(&state).first() {
            assert!(genes.insert(gene.clone()), "written twice: {gene:?}");
            continue;
        }
        let allowed = window.allowed(&state);
        assert!(!allowed.is_empty(), "dead end after {}", to_text(&written));
        assert!(allowed.windows(2).all(|pair| pair[0] < pair[1]), "not sorted: {allowed:?}");
        for &site in allowed.iter().filter(|site| site.kind != SiteType::Eos) {
            let mut next = state.clone();
            window.advance(&mut next, site).expect("what is allowed can be written");
            stack.push((next, [&written[..], &[site]].concat()));
        }
        paths.insert(written, allowed.into_iter().filter(|site| site.kind != SiteType::Eos).collect());
    }
    (paths, genes)
}

/// The same from the naive set of genes.
fn naive_paths(genes: &BTreeSet<GeneModel>) -> Paths {
    let mut paths = Paths::from([(Vec::new(), BTreeSet::new())]);
    for gene in genes {
        let sites = encode_genes(std::slice::from_ref(gene));
        for i in 0..sites.len() - 1 {
            paths.entry(sites[..i].to_vec()).or_default().insert(sites[i]);
        }
    }
    paths
}

fn mirrored(genes: &BTreeSet<GeneModel>, strand: Strand, length: u32) -> BTreeSet<GeneModel> {
    genes.iter().filter(|gene| gene.strand == strand).map(|gene| gene.mirror(length)).collect()
}

fn of_strand(genes: BTreeSet<GeneModel>, strand: Strand) -> BTreeSet<GeneModel> {
    genes.into_iter().filter(|gene| gene.strand == strand).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_genes_let_through_are_those_of_a_naive_enumeration(codes in window(), config in config()) {
        let code = GeneticCode::ncbi(config.genetic_code).expect("a known code");
        let expected = naive::all_genes(&codes, &config, &code);
        let grammar = Grammar::new(&config).expect("a good configuration");
        let (paths, genes) = machine_paths(&grammar.window(&codes));
        prop_assert_eq!(&genes, &expected);
        prop_assert_eq!(paths, naive_paths(&expected));
        let (_, reverse) = machine_paths(&grammar.window(&dna::reverse_complement(&codes)));
        let minus = of_strand(genes, Strand::Minus);
        prop_assert_eq!(minus, mirrored(&reverse, Strand::Plus, codes.len() as u32));
    }

    #[test]
    fn the_check_of_annotations_accepts_what_can_be_written(
        codes in window(),
        config in config(),
        changes in changes(),
    ) {
        let code = GeneticCode::ncbi(config.genetic_code).expect("a known code");
        let window = Grammar::new(&config).expect("a good configuration").window(&codes);
        let mut genes: Vec<GeneModel> = naive::all_genes(&codes, &config, &code).into_iter().collect();
        for gene in &genes {
            prop_assert_eq!(validate::check(gene, &codes, &config, &code), Ok(()));
        }
        genes.push(GeneModel { strand: Strand::Plus, segments: vec![Interval::new(0, codes.len() as u32)] });
        for (gene, edge, delta, flip) in changes {
            let mut gene = genes[gene.index(genes.len())].clone();
            let edge = edge.index(2 * gene.segments.len());
            let segment = &mut gene.segments[edge / 2];
            let side = if edge % 2 == 0 { &mut segment.start } else { &mut segment.end };
            *side = side.saturating_add_signed(delta);
            gene.strand = if flip { gene.strand.opposite() } else { gene.strand };
            let valid = validate::check(&gene, &codes, &config, &code).is_ok();
            let ordered = gene.segments.iter().all(|s| !s.is_empty())
                && gene.segments.windows(2).all(|pair| pair[0].end <= pair[1].start);
            let written = ordered
                && window.replay(&encode_genes(std::slice::from_ref(&gene))).expect("a gene").masked() == 0;
            prop_assert_eq!(valid, written, "{:?}", gene);
        }
    }

    #[test]
    fn sites_that_are_not_allowed_are_refused(
        codes in window(),
        config in config(),
        choices in choices(12),
    ) {
        let window = Grammar::new(&config).expect("a good configuration").window(&codes);
        let mut state = window.begin();
        for choice in choices {
            let allowed = window.allowed(&state);
            for kind in SiteType::ALL {
                for position in -1..=codes.len() as i32 {
                    let site = Site::new(kind, position);
                    let accepted = window.advance(&mut state.clone(), site).is_ok();
                    prop_assert_eq!(accepted, allowed.contains(&site), "{}", site);
                }
            }
            let Some(&site) = allowed.get(choice.index(allowed.len().max(1))) else { break };
            window.advance(&mut state, site).expect("allowed");
        }
    }

    #[test]
    fn several_genes_are_written_by_increasing_stop(
        codes in window(),
        config in config(),
        choices in choices(60),
    ) {
        let code = GeneticCode::ncbi(config.genetic_code).expect("a known code");
        let all = naive::all_genes(&codes, &config, &code);
        let stop = |gene: &GeneModel| Site::new(SiteType::stop(gene.strand), gene.anchor() as i32);
        let stops: BTreeSet<Site> = all.iter().map(stop).collect();
        let window = Grammar::new(&config).expect("a good configuration").window(&codes);
        let mut state = window.begin();
        let mut sites = Vec::new();
        for choice in choices {
            let allowed = window.allowed(&state);
            if allowed[0] == Site::EOS {
                let last = window.genes(&state).last().map_or(-1, |gene| gene.anchor() as i32);
                let later = stops.iter().copied().filter(|site| site.position > last);
                let expected: Vec<Site> = std::iter::once(Site::EOS).chain(later).collect();
                prop_assert_eq!(&allowed, &expected);
            }
            // end only when nothing else is left
            let skip = usize::from(allowed[0] == Site::EOS && allowed.len() > 1);
            let site = allowed[skip..][choice.index(allowed.len() - skip)];
            sites.push(site);
            window.advance(&mut state, site).expect("allowed");
            if state.finished() {
                break;
            }
        }
        if state.finished() {
            prop_assert!(window.allowed(&state).is_empty());
            prop_assert_eq!(&decode_sites(&sites).expect("an annotation"), window.genes(&state));
            prop_assert_eq!(&encode_genes(window.genes(&state)), &sites);
            prop_assert_eq!(&parse_text(&to_text(&sites)).expect("readable"), &sites);
            prop_assert_eq!(window.replay(&sites).expect("an annotation").masked(), 0);
        }
    }
}

#[test]
fn the_proof_covers_split_codons_and_short_segments() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let config = GrammarConfig { min_intron: 4, ..GrammarConfig::default() };
    let code = GeneticCode::ncbi(1).expect("table 1");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1500 {
        let codes = window().new_tree(&mut runner).expect("a window").current();
        for gene in naive::plus_genes(&codes, &config, &code) {
            let lengths: Vec<u32> = gene.segments.iter().map(|s| s.len()).collect();
            let count = lengths.len();
            let mut see = |what, there: bool| *seen.entry(what).or_default() += usize::from(there);
            see("introns", count > 1);
            see("two introns", count > 2);
            see("split start", count > 1 && lengths[0] < 3);
            see("split stop", count > 1 && lengths[count - 1] < 3);
            see("start split twice", count > 2 && lengths[0] + lengths[1] < 3);
            see("stop split twice", count > 2 && lengths[count - 1] + lengths[count - 2] < 3);
            see(
                "inner codon split",
                count > 1 && lengths[0] > 3 && lengths[0] % 3 != 0 && lengths[count - 1] > 3,
            );
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.values().all(|&count| count >= 20), "{seen:?}");
}
