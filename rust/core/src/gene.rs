//! Gene models: a strand and an ordered chain of CDS segments.

/// The strand a gene is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strand {
    /// Read left to right.
    Plus,
    /// Read right to left, on the complement.
    Minus,
}

impl Strand {
    /// `+` or `-`.
    pub fn symbol(self) -> char {
        match self {
            Strand::Plus => '+',
            Strand::Minus => '-',
        }
    }

    /// The other strand.
    pub fn opposite(self) -> Self {
        match self {
            Strand::Plus => Strand::Minus,
            Strand::Minus => Strand::Plus,
        }
    }
}

/// A stretch of a contig or window, 0-based and half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    /// First base.
    pub start: u32,
    /// One past the last base.
    pub end: u32,
}

impl Interval {
    /// The stretch from `start` up to, not including, `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Interval { start, end }
    }

    /// Number of bases.
    pub fn len(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Stretches sorted, and joined where they touch or overlap.
    ///
    /// ```
    /// use genet5_core::gene::Interval;
    /// let parts = [(8, 9), (1, 4), (4, 6), (2, 3)].map(|(a, b)| Interval::new(a, b));
    /// assert_eq!(Interval::join(parts.to_vec()), [Interval::new(1, 6), Interval::new(8, 9)]);
    /// ```
    pub fn join(mut parts: Vec<Interval>) -> Vec<Interval> {
        parts.sort_unstable();
        let mut joined: Vec<Interval> = Vec::with_capacity(parts.len());
        for part in parts {
            match joined.last_mut() {
                Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
                _ => joined.push(part),
            }
        }
        joined
    }

    /// Whether it holds no base.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

/// The CDS chain of one transcript, stop codon included, segments ascending on both strands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GeneModel {
    /// The strand.
    pub strand: Strand,
    /// The CDS segments, ascending and disjoint.
    pub segments: Vec<Interval>,
}

impl GeneModel {
    /// Leftmost base of the gene.
    pub fn start(&self) -> u32 {
        self.segments.first().map_or(0, |s| s.start)
    }

    /// One past the rightmost base.
    pub fn end(&self) -> u32 {
        self.segments.last().map_or(0, |s| s.end)
    }

    /// The last base of the stop codon, in the gene's own direction.
    pub fn anchor(&self) -> u32 {
        match self.strand {
            Strand::Plus => self.end().saturating_sub(1),
            Strand::Minus => self.start(),
        }
    }

    /// Coding bases.
    pub fn cds_len(&self) -> u32 {
        self.segments.iter().map(Interval::len).sum()
    }

    /// The coding bases in the gene's own direction, as codes.
    pub fn cds(&self, codes: &[u8]) -> Vec<u8> {
        let joined: Vec<u8> = self
            .segments
            .iter()
            .flat_map(|s| codes[s.start as usize..s.end as usize].iter().copied())
            .collect();
        match self.strand {
            Strand::Plus => joined,
            Strand::Minus => crate::dna::reverse_complement(&joined),
        }
    }

    /// The same gene seen from the other strand of a sequence of `length` bases.
    pub fn mirror(&self, length: u32) -> Self {
        GeneModel {
            strand: self.strand.opposite(),
            segments: self
                .segments
                .iter()
                .rev()
                .map(|s| Interval::new(length - s.end, length - s.start))
                .collect(),
        }
    }

    /// The same gene moved by `offset` bases.
    pub fn shift(&self, offset: i64) -> Self {
        let at = |x: u32| (x as i64 + offset) as u32;
        GeneModel {
            strand: self.strand,
            segments: self.segments.iter().map(|s| Interval::new(at(s.start), at(s.end))).collect(),
        }
    }

    /// GFF phase of each segment, ascending order of segments, for a complete gene.
    pub fn phases(&self) -> Vec<u8> {
        let mut phases = vec![0u8; self.segments.len()];
        let mut before = 0u32;
        let mut set = |i: usize| {
            phases[i] = ((3 - before % 3) % 3) as u8;
            before += self.segments[i].len();
        };
        match self.strand {
            Strand::Plus => (0..self.segments.len()).for_each(&mut set),
            Strand::Minus => (0..self.segments.len()).rev().for_each(&mut set),
        }
        phases
    }
}
