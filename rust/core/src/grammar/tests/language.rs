//! The language itself: sites, text, replay of what the grammar masks, bad configurations.

use crate::dna;
use crate::gene::{GeneModel, Interval, Strand};
use crate::grammar::*;

fn gene(strand: Strand, segments: &[(u32, u32)]) -> GeneModel {
    GeneModel { strand, segments: segments.iter().map(|&(start, end)| Interval::new(start, end)).collect() }
}

#[test]
fn genes_are_written_from_their_stop_backwards() {
    let genes = [gene(Strand::Minus, &[(900, 1501)]), gene(Strand::Plus, &[(101, 401), (521, 701)])];
    let text = "<stop+>700 <acceptor>521 <donor>400 <start>101 <stop->900 <start>1500 <eos>";
    let sites = encode_genes(&genes);
    assert_eq!(to_text(&sites), text);
    assert_eq!(parse_text(text).expect("readable"), sites);
    assert_eq!(decode_sites(&sites).expect("complete"), [genes[1].clone(), genes[0].clone()]);
}

#[test]
fn of_genes_with_one_anchor_the_longest_is_kept() {
    let genes = [gene(Strand::Plus, &[(50, 101)]), gene(Strand::Plus, &[(20, 101)])];
    assert_eq!(to_text(&encode_genes(&genes)), "<stop+>100 <start>20 <eos>");
}

#[test]
fn bad_text_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "does not end with <eos>"),
        ("<stop+>9 <start>2", "does not end with <eos>"),
        ("<stop>9 <eos>", "`<stop>9` is no site"),
        ("<eos>3", "<eos> has no position"),
        ("<stop+>x <eos>", "needs a position, as in <stop+>700"),
        ("<stop+>-4 <eos>", "needs a position"),
        ("<stop+>99999999999 <eos>", "larger than 2147483647"),
        ("<start>2 <eos>", "step 1, <start>2: it cannot follow the beginning"),
        ("<stop+>9 <donor>2 <eos>", "step 2, <donor>2: it cannot follow <stop+>"),
        ("<stop+>9 <eos>", "step 2, <eos>: the gene before it ends at <stop+>"),
        ("<stop+>9 <start>12 <eos>", "step 2, <start>12: it does not lie upstream of <stop+>9"),
        ("<stop->9 <start>2 <eos>", "step 2, <start>2: it does not lie upstream of <stop->9"),
        ("<stop+>9 <acceptor>8 <donor>8 <start>1 <eos>", "step 3, <donor>8: it does not lie upstream"),
        ("<stop+>9 <start>2 <stop->9 <start>20 <eos>", "step 3, <stop->9: stops must increase"),
        ("<eos> <eos>", "step 2, <eos>: nothing may follow <eos>"),
    ] {
        let message = parse_text(text).expect_err(text).to_string();
        assert!(message.contains(reason), "{text}: {message}");
    }
}

#[test]
fn impossible_configurations_are_refused() {
    let short = GrammarConfig { min_intron: 3, ..GrammarConfig::default() };
    assert!(Grammar::new(&short).expect_err("short").to_string().contains("at least 4"));
    let crossed = GrammarConfig { max_intron: 9, ..GrammarConfig::default() };
    assert!(Grammar::new(&crossed).expect_err("crossed").to_string().contains("max_intron is 9"));
    let unknown = GrammarConfig { genetic_code: 7, ..GrammarConfig::default() };
    assert!(Grammar::new(&unknown).expect_err("unknown").to_string().contains("genetic code 7"));
}

#[test]
fn a_masked_truth_is_counted_and_the_rest_is_still_constrained() {
    //                         0         10        20        30
    let codes = dna::encode(b"CATGAAATAGCCATGTGAAATAACATGCCCTAA");
    let grammar = Grammar::new(&GrammarConfig::default()).expect("defaults");
    let step = |text: &str| {
        let replay = grammar.replay(&codes, &parse_text(text).expect("readable")).expect("an annotation");
        let sizes = replay.offsets.windows(2).map(|pair| pair[1] - pair[0]);
        replay.targets.iter().zip(sizes).map(|(&target, size)| (target >= 0, size > 0)).collect::<Vec<_>>()
    };
    assert_eq!(step("<stop+>9 <start>1 <eos>"), [(true, true); 3]);
    // in-frame stop: the stop is offered only if some start is in reach of it
    let masked = step("<stop+>9 <start>1 <stop+>22 <start>12 <stop+>32 <start>24 <eos>");
    assert_eq!(masked[2..4], [(false, true), (false, false)]);
    assert_eq!([&masked[..2], &masked[4..]].concat(), [(true, true); 5]);
    // outside the window, then back
    let outside = step("<stop+>9 <start>1 <stop+>90 <acceptor>50 <donor>40 <start>35 <eos>");
    assert_eq!(outside[2..], [(false, true), (false, false), (false, false), (false, false), (true, true)]);
}

#[test]
fn many_replays_are_one_after_another_for_any_number_of_threads() {
    let codes = dna::encode(b"CATGAAATAGCCATGTGAAATAACATGCCCTAA");
    let grammar = Grammar::new(&GrammarConfig::default()).expect("defaults");
    let texts = ["<stop+>9 <start>1 <eos>", "<eos>", "<stop+>32 <start>24 <eos>"];
    let sites: Vec<_> = texts.iter().map(|text| parse_text(text).expect("readable")).collect();
    let windows: Vec<(&[u8], &[Site])> = sites.iter().map(|sites| (&codes[..], &sites[..])).collect();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (one, windows_of_one) = replay_batch(&grammar, &windows, 1, &stop).expect("replays");
    assert_eq!(
        (one.clone(), windows_of_one.clone()),
        replay_batch(&grammar, &windows, 2, &stop).expect("replays")
    );
    assert_eq!(windows_of_one, [0, 0, 0, 1, 2, 2, 2]);
    assert_eq!((one.steps(), one.masked()), (7, 0));
    for (step, site) in sites.concat().iter().enumerate() {
        let target = one.targets[step];
        assert!((one.offsets[step]..one.offsets[step + 1]).contains(&target));
        let at = target as usize;
        assert_eq!((one.allowed.types[at], one.allowed.positions[at]), (site.kind as u8, site.position));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(replay_batch(&grammar, &windows, 2, &stop).is_err());
}
