//! The same numbers by plain sets of bases, exons and introns.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{compare_texts, gtf};
use crate::score::gffcompare::Options;

type Model = (bool, Vec<(u32, u32)>);

/// Exons on a grid of tens, so that none are close, none share a single base and none is too short.
fn model() -> impl Strategy<Value = Model> {
    (any::<bool>(), 0..60u32, prop::collection::vec((2..6u32, 1..5u32), 1..4)).prop_map(
        |(plus, start, steps)| {
            let mut at = start * 10 + 1;
            let exons = steps.iter().map(|(exon, intron)| {
                let from = at;
                at += (exon + intron) * 10;
                (from, from + exon * 10 - 1)
            });
            (plus, exons.collect())
        },
    )
}

fn text(models: &[Model]) -> String {
    let one = |(at, (plus, exons)): (usize, &Model)| {
        gtf("exon", if *plus { '+' } else { '-' }, &format!("t{at:03}"), exons)
    };
    models.iter().enumerate().map(one).collect()
}

/// The original's way through the reference: each is looked up among those kept so far.
fn without_redundant(models: &[Model]) -> Vec<Model> {
    let mut kept: Vec<(usize, Model)> = Vec::new();
    let ends = |model: &Model| (model.1[0].0, model.1[model.1.len() - 1].1);
    let introns = |model: &Model| -> Vec<_> { model.1.windows(2).map(|w| (w[0].1, w[1].0)).collect() };
    let bases = |model: &Model| -> u32 { model.1.iter().map(|exon| exon.1 - exon.0 + 1).sum() };
    for (at, new) in models.iter().enumerate() {
        kept.sort_by_key(|(at, model)| (ends(model), *at));
        let redundant = |old: &Model| {
            let (inner, outer) = (ends(new), ends(old));
            let enough = new.1.len() > 1 || f64::from(bases(new)) >= f64::from(bases(old)) * 0.8;
            let same = new.0 == old.0 && new.1.len() == old.1.len() && introns(new) == introns(old);
            same && enough && outer.0 <= inner.0 && outer.1 >= inner.1
        };
        match kept.iter().rposition(|(_, old)| redundant(old)) {
            Some(found) if bases(&kept[found].1) > bases(new) => continue,
            Some(found) => drop(kept.remove(found)),
            None => {}
        }
        kept.push((at, new.clone()));
    }
    kept.into_iter().map(|(_, model)| model).collect()
}

fn set<T: Ord>(models: &[Model], parts: impl Fn(&Model) -> Vec<T>) -> BTreeSet<T> {
    models.iter().flat_map(parts).collect()
}

fn exons(model: &Model) -> Vec<(bool, u32, u32)> {
    model.1.iter().map(|&(start, end)| (model.0, start, end)).collect()
}

fn introns(model: &Model) -> Vec<(bool, u32, u32)> {
    model.1.windows(2).map(|pair| (model.0, pair[0].1, pair[1].0)).collect()
}

fn bases(model: &Model) -> Vec<(bool, u32)> {
    model.1.iter().flat_map(|&(start, end)| (start..=end).map(|base| (model.0, base))).collect()
}

/// Groups of transcripts whose exons share bases, directly or through others.
fn loci(models: &[Model]) -> u64 {
    let mut groups: Vec<BTreeSet<(bool, u32)>> = Vec::new();
    for model in models {
        let own = bases(model).into_iter().collect();
        let (touched, mut apart): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| !group.is_disjoint(&own));
        apart.push(touched.into_iter().flatten().chain(own).collect());
        groups = apart;
    }
    groups.len() as u64
}

fn both<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> [u64; 3] {
    [a.intersection(b).count() as u64, a.len() as u64, b.len() as u64]
}

proptest! {
    #[test]
    fn levels_equal_those_of_plain_sets(
        reference in prop::collection::vec(model(), 1..12),
        prediction in prop::collection::vec(model(), 1..12),
    ) {
        let options = Options { end_range: 0, ..Options::default() };
        let rows = compare_texts(&text(&reference), &text(&prediction), &options).rows();
        let found = |level: usize| {
            let row = rows[level];
            [row.tp_reference, row.n_reference, row.n_prediction]
        };
        let kept = without_redundant(&reference);
        prop_assert_eq!(rows[4].n_reference, kept.len() as u64);
        prop_assert_eq!(found(0), both(&set(&kept, bases), &set(&prediction, bases)));
        prop_assert_eq!(found(1), both(&set(&kept, exons), &set(&prediction, exons)));
        prop_assert_eq!(rows[1].tp_prediction, rows[1].tp_reference);
        prop_assert_eq!((rows[5].n_reference, rows[5].n_prediction), (loci(&kept), loci(&prediction)));
        // the original may overlook introns where a prediction joins several loci of the reference
        let plain = both(&set(&kept, introns), &set(&prediction, introns));
        prop_assert_eq!(&found(2)[1..], &plain[1..]);
        prop_assert!(found(2)[0] <= plain[0]);
        if rows[5].n_reference == 1 {
            prop_assert_eq!(found(2), plain);
        }
    }
}
