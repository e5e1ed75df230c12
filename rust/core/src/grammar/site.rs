//! Sites, and gene models as sites.

use crate::error::{Error, Result};
use crate::gene::{GeneModel, Interval, Strand};

/// The type of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SiteType {
    /// End of the annotation.
    Eos = 0,
    /// Last base of a stop codon on the plus strand.
    StopPlus = 1,
    /// Last base, in the gene's direction, of a stop codon on the minus strand.
    StopMinus = 2,
    /// First base of a segment after an intron.
    Acceptor = 3,
    /// Last base of a segment before an intron.
    Donor = 4,
    /// First base of the start codon.
    Start = 5,
}

impl SiteType {
    /// All types in the order of their numbers.
    pub const ALL: [SiteType; 6] = [
        SiteType::Eos,
        SiteType::StopPlus,
        SiteType::StopMinus,
        SiteType::Acceptor,
        SiteType::Donor,
        SiteType::Start,
    ];

    /// The type of that number.
    ///
    /// # Errors
    /// [`Error::Value`] when there is none.
    pub fn from_number(number: u8) -> Result<Self> {
        Self::ALL
            .get(number as usize)
            .copied()
            .ok_or_else(|| Error::value(format!("there is no site type {number}; types are 0 to 5")))
    }

    /// The token that people and the vocabulary know it by.
    pub fn token(self) -> &'static str {
        match self {
            SiteType::Eos => "<eos>",
            SiteType::StopPlus => "<stop+>",
            SiteType::StopMinus => "<stop->",
            SiteType::Acceptor => "<acceptor>",
            SiteType::Donor => "<donor>",
            SiteType::Start => "<start>",
        }
    }

    /// The stop of that strand.
    pub fn stop(strand: Strand) -> Self {
        match strand {
            Strand::Plus => SiteType::StopPlus,
            Strand::Minus => SiteType::StopMinus,
        }
    }

    /// The strand of a stop.
    pub fn strand(self) -> Option<Strand> {
        match self {
            SiteType::StopPlus => Some(Strand::Plus),
            SiteType::StopMinus => Some(Strand::Minus),
            _ => None,
        }
    }
}

/// One step of an annotation: a signal at one base of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The type.
    pub kind: SiteType,
    /// The base, 0-based in the window on both strands; -1 for the end.
    pub position: i32,
}

impl Site {
    /// The end of the annotation.
    pub const EOS: Site = Site { kind: SiteType::Eos, position: -1 };

    /// A site at a base.
    pub fn new(kind: SiteType, position: i32) -> Self {
        Site { kind, position }
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.token())?;
        match self.kind {
            SiteType::Eos => Ok(()),
            _ => write!(f, "{}", self.position),
        }
    }
}

/// The sites of a set of genes, sorted by anchor, the end last. Of genes that share an anchor,
/// of which the language can hold one, the one with most coding bases is kept, then the first.
pub fn encode_genes(genes: &[GeneModel]) -> Vec<Site> {
    let mut order: Vec<&GeneModel> = genes.iter().filter(|gene| !gene.segments.is_empty()).collect();
    order.sort_by_key(|gene| (gene.anchor(), std::cmp::Reverse(gene.cds_len())));
    order.dedup_by_key(|gene| gene.anchor());
    let mut sites = Vec::with_capacity(2 * order.iter().map(|g| g.segments.len()).sum::<usize>() + 1);
    for gene in order {
        encode_gene(gene, &mut sites);
    }
    sites.push(Site::EOS);
    sites
}

fn encode_gene(gene: &GeneModel, sites: &mut Vec<Site>) {
    // first and last base of each segment in the gene's direction, from its end
    let ends: Vec<(u32, u32)> = match gene.strand {
        Strand::Plus => gene.segments.iter().rev().map(|s| (s.start, s.end - 1)).collect(),
        Strand::Minus => gene.segments.iter().map(|s| (s.end - 1, s.start)).collect(),
    };
    let last = ends.len() - 1;
    for (i, &(first_base, last_base)) in ends.iter().enumerate() {
        let right = if i == 0 { SiteType::stop(gene.strand) } else { SiteType::Donor };
        let left = if i == last { SiteType::Start } else { SiteType::Acceptor };
        sites.push(Site::new(right, last_base as i32));
        sites.push(Site::new(left, first_base as i32));
    }
}

/// The genes that a complete annotation names, in order of their anchors. Only the language is
/// checked, not the bases.
///
/// # Errors
/// [`Error::Value`] when a site is out of order or `<eos>` is not exactly the last one.
pub fn decode_sites(sites: &[Site]) -> Result<Vec<GeneModel>> {
    let mut genes: Vec<GeneModel> = Vec::new();
    let mut strand = Strand::Plus;
    let mut segments: Vec<Interval> = Vec::new();
    for (i, &site) in sites.iter().enumerate() {
        let before = if i == 0 { None } else { Some(sites[i - 1]) };
        let last_anchor = genes.last().map_or(-1, |gene| gene.anchor() as i32);
        if let Some(fault) = fault(before, last_anchor, strand, site) {
            return Err(Error::value(format!("step {}, {site}: {fault}", i + 1)));
        }
        match (site.kind, before) {
            (SiteType::StopPlus | SiteType::StopMinus, _) => strand = site.kind.strand().unwrap_or(strand),
            (SiteType::Acceptor | SiteType::Start, Some(right)) => {
                let (start, end) = (right.position.min(site.position), right.position.max(site.position) + 1);
                segments.push(Interval::new(start as u32, end as u32));
            }
            _ => {}
        }
        if site.kind == SiteType::Start {
            segments.sort_unstable();
            genes.push(GeneModel { strand, segments: std::mem::take(&mut segments) });
        }
    }
    match sites.last() {
        Some(site) if site.kind == SiteType::Eos => Ok(genes),
        _ => Err(Error::value("the annotation does not end with <eos>")),
    }
}

/// Why a site cannot follow the one before it, in a gene of that strand.
fn fault(before: Option<Site>, last_anchor: i32, strand: Strand, site: Site) -> Option<String> {
    let kind_before = before.map_or(SiteType::Start, |site| site.kind);
    if !follows(kind_before, site.kind) {
        return Some(match (kind_before, before) {
            (SiteType::Eos, _) => "nothing may follow <eos>".into(),
            (_, None) => "it cannot follow the beginning".into(),
            (kind, _) if site.kind == SiteType::Eos => format!("the gene before it ends at {}", kind.token()),
            (kind, _) => format!("it cannot follow {}", kind.token()),
        });
    }
    if site.kind == SiteType::Eos {
        return (site.position != -1).then(|| "its position is -1".into());
    }
    if site.position < 0 {
        return Some("a position is 0 or more".into());
    }
    if site.kind.strand().is_some() {
        return (site.position <= last_anchor).then(|| "stops must increase along the window".into());
    }
    let right = before?;
    let upstream = match strand {
        Strand::Plus => right.position - site.position,
        Strand::Minus => site.position - right.position,
    };
    let least = i32::from(site.kind == SiteType::Donor);
    (upstream < least).then(|| format!("it does not lie upstream of {right}"))
}

/// Whether a site of one type may follow one of another; the beginning counts as a start.
fn follows(before: SiteType, kind: SiteType) -> bool {
    match before {
        SiteType::Eos => false,
        SiteType::Start => kind.strand().is_some() || kind == SiteType::Eos,
        SiteType::StopPlus | SiteType::StopMinus | SiteType::Donor => {
            matches!(kind, SiteType::Acceptor | SiteType::Start)
        }
        SiteType::Acceptor => kind == SiteType::Donor,
    }
}
