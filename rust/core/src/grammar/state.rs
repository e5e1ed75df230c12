//! The machine on one window: what may come next, and going on.

use std::sync::Arc;

use super::carry::{Codons, NONE, STOP};
use super::site::{Site, SiteType};
use super::tables::StrandTables;
use super::GrammarConfig;
use crate::dna;
use crate::error::{Error, Result};
use crate::gene::{GeneModel, Interval, Strand};

/// One window with its tables, both strands.
#[derive(Debug)]
pub struct WindowGrammar {
    config: GrammarConfig,
    codons: Arc<Codons>,
    /// plus, minus
    strands: [StrandTables; 2],
    /// stops that begin a gene, ascending in the window; plus, minus
    anchors: [Vec<i32>; 2],
}

/// Where an annotation stands.
#[derive(Debug, Clone)]
pub struct WriterState {
    genes: Vec<GeneModel>,
    last_anchor: i32,
    segments: Vec<Interval>,
    place: Place,
}

/// What was written last; positions in the gene's own direction.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Between,
    /// in a segment, its last base not read yet
    Segment {
        strand: Strand,
        right: u32,
        carry: u8,
    },
    /// in the intron left of an acceptor
    Intron {
        strand: Strand,
        acceptor: u32,
        carry: u8,
    },
    End,
}

impl WriterState {
    /// Whether the end has been written.
    pub fn finished(&self) -> bool {
        self.place == Place::End
    }
}

/// Sites as two columns, as they go to NumPy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteList {
    /// Type numbers.
    pub types: Vec<u8>,
    /// Positions.
    pub positions: Vec<i32>,
}

impl SiteList {
    /// Number of sites.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Adds sites of one type.
    fn extend(&mut self, kind: SiteType, positions: impl IntoIterator<Item = i32>) {
        self.positions.extend(positions);
        self.types.resize(self.positions.len(), kind as u8);
    }

    /// Adds the sites of another list.
    pub fn append(&mut self, other: &SiteList) {
        self.types.extend_from_slice(&other.types);
        self.positions.extend_from_slice(&other.positions);
    }
}

impl WindowGrammar {
    pub(super) fn new(codes: &[u8], codons: Arc<Codons>, config: GrammarConfig) -> Self {
        let plus: Vec<u8> = codes.iter().map(|&code| code.min(dna::N)).collect();
        let minus = dna::reverse_complement(&plus);
        let strands = [plus, minus].map(|codes| StrandTables::new(codes, &codons, &config));
        let last = codes.len() as i32 - 1;
        let mut anchors = strands.each_ref().map(StrandTables::anchors);
        anchors[1].reverse();
        anchors[1].iter_mut().for_each(|anchor| *anchor = last - *anchor);
        WindowGrammar { config, codons, strands, anchors }
    }

    /// Bases of the window.
    pub fn length(&self) -> u32 {
        self.strands[0].codes.len() as u32
    }

    /// The state before the first site.
    pub fn begin(&self) -> WriterState {
        WriterState { genes: Vec::new(), last_anchor: -1, segments: Vec::new(), place: Place::Between }
    }

    /// The genes written so far, in order of their anchors.
    pub fn genes<'a>(&self, state: &'a WriterState) -> &'a [GeneModel] {
        &state.genes
    }

    /// The sites that may come next, sorted by type and position; none once the end is written.
    pub fn allowed(&self, state: &WriterState) -> Vec<Site> {
        let mut list = SiteList::default();
        self.allowed_into(state, &mut list);
        let kinds = list.types.iter().map(|&number| SiteType::ALL[number as usize]);
        kinds.zip(list.positions).map(|(kind, position)| Site { kind, position }).collect()
    }

    /// Adds the sites that may come next to a list, sorted by type and position.
    pub fn allowed_into(&self, state: &WriterState, list: &mut SiteList) {
        match state.place {
            Place::Between => {
                list.extend(SiteType::Eos, [-1]);
                for (anchors, kind) in self.anchors.iter().zip([SiteType::StopPlus, SiteType::StopMinus]) {
                    let passed = anchors.partition_point(|&anchor| anchor <= state.last_anchor);
                    list.extend(kind, anchors[passed..].iter().copied());
                }
            }
            Place::Segment { strand, right, carry } => self.segment_sites(strand, right, carry, list),
            Place::Intron { strand, acceptor, carry } => {
                let first = list.len();
                let donors = self.tables(strand).donors(acceptor, carry, &self.codons, &self.config);
                list.extend(SiteType::Donor, donors.map(|donor| self.in_window(strand, donor)));
                if strand == Strand::Minus {
                    list.positions[first..].reverse();
                }
            }
            Place::End => {}
        }
    }

    fn segment_sites(&self, strand: Strand, right: u32, carry: u8, list: &mut SiteList) {
        let first = list.len();
        let mut starts = Vec::new();
        for stride in self.tables(strand).walk(right, carry, &self.codons) {
            let position = self.in_window(strand, stride.position);
            if stride.acceptor {
                list.positions.push(position);
            }
            if stride.start {
                starts.push(position);
            }
        }
        // read from right to left of the gene
        if strand == Strand::Plus {
            list.positions[first..].reverse();
            starts.reverse();
        }
        list.extend(SiteType::Acceptor, []);
        list.extend(SiteType::Start, starts);
    }

    /// Writes one site.
    ///
    /// # Errors
    /// [`Error::Value`] when the grammar does not allow it here; the state is left as it was.
    pub fn advance(&self, state: &mut WriterState, site: Site) -> Result<()> {
        let refused = || Error::value(format!("the grammar does not allow {site} here"));
        let place = self.after(state, site).ok_or_else(refused)?;
        self.go(state, site, place);
        Ok(())
    }

    /// The place after a site, none when it is not allowed.
    fn after(&self, state: &WriterState, site: Site) -> Option<Place> {
        match (state.place, site.kind) {
            (Place::Between, SiteType::Eos) => (site.position == -1).then_some(Place::End),
            (Place::Between, kind) => {
                let strand = kind.strand()?;
                let right = self.in_gene(strand, site.position)?;
                let open = self.tables(strand).open(right as usize, &self.codons) >> STOP & 1 == 1;
                (open && site.position > state.last_anchor).then_some(Place::Segment {
                    strand,
                    right,
                    carry: STOP,
                })
            }
            (Place::Segment { strand, right, carry }, SiteType::Acceptor | SiteType::Start) => {
                let target = self.in_gene(strand, site.position)?;
                let mut walk = self.tables(strand).walk(right, carry, &self.codons);
                let stride = walk.find(|stride| stride.position == target)?;
                match site.kind {
                    SiteType::Start => stride.start.then_some(Place::Between),
                    _ => stride.acceptor.then_some(Place::Intron {
                        strand,
                        acceptor: target,
                        carry: stride.carry,
                    }),
                }
            }
            (Place::Intron { strand, acceptor, carry }, SiteType::Donor) => {
                let right = self.in_gene(strand, site.position)?;
                let mut donors = self.tables(strand).donors(acceptor, carry, &self.codons, &self.config);
                donors.any(|donor| donor == right).then_some(Place::Segment { strand, right, carry })
            }
            _ => None,
        }
    }

    /// The place after a true site that the grammar masks; none when the bases do not allow to go
    /// on reading, or the site does not fit the place at all.
    fn forced(&self, state: &WriterState, site: Site) -> Option<Place> {
        match (state.place, site.kind) {
            (Place::Between, kind) => {
                let strand = kind.strand()?;
                let right = self.in_gene(strand, site.position)?;
                Some(Place::Segment { strand, right, carry: STOP })
            }
            (Place::Segment { strand, right, carry }, SiteType::Acceptor | SiteType::Start) => {
                let acceptor = self.in_gene(strand, site.position).filter(|&p| p <= right)?;
                if site.kind == SiteType::Start {
                    return Some(Place::Between);
                }
                let read = &self.tables(strand).codes[acceptor as usize..=right as usize];
                // a codon that must not be there is read over
                let over = |carry| if carry == NONE { 0 } else { carry };
                let carry = read.iter().rev().try_fold(carry, |carry, &base| {
                    (base < dna::N).then(|| over(self.codons.next(carry, base)))
                })?;
                Some(Place::Intron { strand, acceptor, carry })
            }
            (Place::Intron { strand, acceptor, carry }, SiteType::Donor) => {
                let right = self.in_gene(strand, site.position).filter(|&p| p < acceptor)?;
                Some(Place::Segment { strand, right, carry })
            }
            _ => None,
        }
    }

    /// Writes a true site whether it is allowed or not; `false` when nothing can follow it.
    pub(super) fn force(&self, state: &mut WriterState, site: Site) -> bool {
        let place = self.after(state, site).or_else(|| self.forced(state, site));
        if let Some(place) = place {
            self.go(state, site, place);
        }
        place.is_some()
    }

    /// Gives up the gene being written, and its anchor with it.
    pub(super) fn give_up(&self, state: &mut WriterState) {
        state.segments.clear();
        state.place = Place::Between;
    }

    /// Takes over a place, and keeps the gene's segments.
    fn go(&self, state: &mut WriterState, site: Site, place: Place) {
        if let Place::Segment { strand, right, .. } = state.place {
            let last = self.in_window(strand, right);
            let (start, end) = (last.min(site.position), last.max(site.position) + 1);
            state.segments.push(Interval::new(start as u32, end as u32));
            if place == Place::Between {
                state.segments.sort_unstable();
                let segments = std::mem::take(&mut state.segments);
                state.genes.push(GeneModel { strand, segments });
            }
        }
        if state.place == Place::Between && place != Place::End {
            state.last_anchor = site.position;
        }
        state.place = place;
    }

    fn tables(&self, strand: Strand) -> &StrandTables {
        &self.strands[usize::from(strand == Strand::Minus)]
    }

    /// A position in the gene's own direction as one of the window.
    #[inline]
    fn in_window(&self, strand: Strand, position: u32) -> i32 {
        match strand {
            Strand::Plus => position as i32,
            Strand::Minus => (self.length() - 1 - position) as i32,
        }
    }

    /// A position of the window in the gene's own direction, none outside the window.
    #[inline]
    fn in_gene(&self, strand: Strand, position: i32) -> Option<u32> {
        let position = u32::try_from(position).ok().filter(|&p| p < self.length())?;
        Some(match strand {
            Strand::Plus => position,
            Strand::Minus => self.length() - 1 - position,
        })
    }
}
