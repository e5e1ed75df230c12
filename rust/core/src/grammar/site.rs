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
    let wrong = |i: usize, site: &Site, why: &str| Error::value(format!("step {}, {site}: {why}", i + 1));
    let mut genes: Vec<GeneModel> = Vec::new();
    let mut current: Option<(Strand, Vec<Interval>)> = None;
    let mut previous = -1i32;
    for (i, site) in sites.iter().enumerate() {
        if site.kind == SiteType::Eos {
            return match () {
                _ if current.is_some() => Err(wrong(i, site, "the gene before it has no <start>")),
                _ if i + 1 < sites.len() => Err(wrong(i + 1, &sites[i + 1], "nothing may follow <eos>")),
                _ => Ok(genes),
            };
        }
        if site.position < 0 {
            return Err(wrong(i, site, "a position is 0 or more"));
        }
        let before = if i == 0 { SiteType::Eos } else { sites[i - 1].kind };
        if !follows(before, site.kind) {
            return Err(wrong(
                i,
                site,
                &format!("it cannot follow {}", if i == 0 { "the beginning" } else { before.token() }),
            ));
        }
        let Some((strand, segments)) = current.as_mut() else {
            if genes.last().is_some_and(|gene| gene.anchor() as i32 >= site.position) {
                return Err(wrong(i, site, "stops must increase along the window"));
            }
            current = site.kind.strand().map(|strand| (strand, Vec::new()));
            previous = site.position;
            continue;
        };
        let backwards =
            if *strand == Strand::Plus { previous - site.position } else { site.position - previous };
        if backwards < i32::from(site.kind == SiteType::Donor) {
            return Err(wrong(i, site, &format!("it does not lie upstream of {}", sites[i - 1])));
        }
        if site.kind != SiteType::Donor {
            segments.push(Interval::new(
                previous.min(site.position) as u32,
                previous.max(site.position) as u32 + 1,
            ));
        }
        previous = site.position;
        if site.kind == SiteType::Start {
            if let Some((strand, mut segments)) = current.take() {
                segments.sort_unstable();
                genes.push(GeneModel { strand, segments });
            }
        }
    }
    Err(Error::value("the annotation does not end with <eos>"))
}

/// Whether a site of one type may follow one of another; the beginning counts as the end of a gene.
fn follows(before: SiteType, kind: SiteType) -> bool {
    match before {
        SiteType::Eos | SiteType::Start => kind.strand().is_some() || kind == SiteType::Eos,
        SiteType::StopPlus | SiteType::StopMinus | SiteType::Donor => {
            matches!(kind, SiteType::Acceptor | SiteType::Start)
        }
        SiteType::Acceptor => kind == SiteType::Donor,
    }
}
