//! Lines into genes, transcripts and their parts.

use memchr::memchr;
use rustc_hash::FxHashMap;

use super::class::Class;
use super::links::Links;
use super::{hash, Chunk, Gene, Kind, Part, Transcript};
use crate::annotation::rows::region;
use crate::gene::Strand;
use crate::score::gffcompare::LONGEST;

/// Names numbered in order of first appearance.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub list: Vec<&'a [u8]>,
    numbers: FxHashMap<&'a [u8], u32>,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: &'a [u8]) -> u32 {
        *self.numbers.entry(name).or_insert_with(|| {
            self.list.push(name);
            self.list.len() as u32 - 1
        })
    }
}

/// The CDS rows of the open transcript: the ID of the last, how many there are and how many runs of one ID.
#[derive(Default)]
struct Coding<'a> {
    id: Option<&'a [u8]>,
    rows: u32,
    runs: u32,
    start: u32,
    end: u32,
    nameless: bool,
}

/// What a row is beside its type and its attributes.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    end: u32,
    strand: Option<Strand>,
    phase: Option<u8>,
}

#[derive(Default)]
pub(super) struct Reader<'a> {
    pub chunk: Chunk,
    pub contigs: Names<'a>,
    /// What the rows of each contig span.
    pub spans: Vec<(u32, u32)>,
    pub sources: Names<'a>,
    pub regions: Vec<(&'a [u8], u32, u32)>,
    /// Hashes of the IDs of genes, transcripts and landmarks, of those of other parts, and of CDS.
    pub ids: Vec<u64>,
    pub piece_ids: Vec<u64>,
    pub cds_ids: Vec<u64>,
    /// Where the sequences begin, if there are any.
    pub sequence: Option<usize>,
    /// Types and what they are.
    classes: Vec<(&'a [u8], Option<Class>)>,
    /// The first two columns of the row before, their tabs included, and what they hold.
    head: &'a [u8],
    contig: u32,
    source: &'a [u8],
    gene: Option<&'a [u8]>,
    /// Strand of the CDS rows of the open gene.
    strand: Option<Strand>,
    /// The open transcript, or the gene where parts lie right under it.
    transcript: Option<&'a [u8]>,
    coding: Coding<'a>,
    /// First and last base of the stop codons of the open transcript.
    stops: Option<(u32, u32)>,
    /// Attributes of the last exon and the last CDS of the open transcript.
    last: [&'a [u8]; 2],
}

impl<'a> Reader<'a> {
    /// Reads a piece of a file; none where it is not tidy.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::default();
        // what is not used is never touched
        reader.chunk.parts.reserve(text.len() / 80);
        let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].trim_ascii_end();
            rest = &rest[(end + 1).min(rest.len())..];
            match line.first() {
                None => {}
                Some(b'>') => reader.sequence = Some(at),
                Some(b'#') if line.starts_with(b"##FASTA") => reader.sequence = Some(at),
                Some(b'#') if line.starts_with(b"##sequence-region") => reader.regions.extend(region(line)),
                Some(b'#') => {}
                Some(_) => reader.row(line)?,
            }
            if reader.sequence.is_some() {
                break;
            }
        }
        reader.close_transcript()?;
        reader.chunk.parts.shrink_to_fit();
        Some(reader)
    }

    /// Takes a row in; none where the file is not tidy.
    fn row(&mut self, line: &'a [u8]) -> Option<()> {
        let mut rest = self.head(line)?;
        let kind = column(&mut rest)?;
        let (start, end) = (position(&mut rest)?, position(&mut rest)?);
        let score = column(&mut rest)?;
        let (&[strand, b'\t', phase, b'\t'], attributes) = rest.split_first_chunk::<4>()? else {
            return None;
        };
        let strand = match strand {
            b'+' => Some(Strand::Plus),
            b'-' => Some(Strand::Minus),
            b'.' => None,
            _ => return None,
        };
        let phase = match phase {
            b'0'..=b'2' => Some(phase - b'0'),
            b'.' => None,
            _ => return None,
        };
        if start == 0 || start > end || score.is_empty() || score.iter().any(|&b| b <= b' ') {
            return None;
        }
        let place = Place { start: start - 1, end, strand, phase };
        let span = &mut self.spans[self.contig as usize];
        *span = (span.0.min(place.start), span.1.max(end));
        match self.class(kind)? {
            Class::Part(part) => self.part(place, part, attributes),
            Class::Gene => self.open_gene(place, kind == b"gene", &Links::read(attributes)?),
            Class::Transcript => self.open_transcript(place, kind == b"mRNA", &Links::read(attributes)?),
            Class::Stop => self.stop(place, &Links::read(attributes)?),
            Class::Intron => self.inert_part(place, &Links::read(attributes)?),
            Class::Landmark => self.landmark(&Links::read(attributes)?),
            Class::Match => {
                let links = Links::read(attributes)?;
                self.piece_ids.extend(links.id.map(hash));
                links.parent.is_none().then_some(())
            }
        }
    }

    /// Notes the first two columns; what is behind them.
    fn head(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        // rows mostly begin like the one before
        if !self.head.is_empty() && line.starts_with(self.head) {
            return Some(&line[self.head.len()..]);
        }
        let mut rest = line;
        let contig = column(&mut rest)?;
        self.source = column(&mut rest)?;
        if contig.is_empty() || contig[0] <= b' ' || self.source.is_empty() {
            return None;
        }
        self.contig = self.contigs.number(contig);
        self.spans.resize(self.contigs.list.len(), (u32::MAX, 0));
        self.head = &line[..line.len() - rest.len()];
        Some(rest)
    }

    fn class(&mut self, kind: &'a [u8]) -> Option<Class> {
        if let Some(&(_, class)) = self.classes.iter().find(|known| known.0 == kind) {
            return class;
        }
        let class = Some(kind).filter(|kind| !kind.is_empty()).and_then(Class::of);
        self.classes.push((kind, class));
        class
    }

    fn open_gene(&mut self, place: Place, plain: bool, links: &Links<'a>) -> Option<()> {
        self.close_transcript()?;
        let (id, None) = (links.id?, links.parent) else { return None };
        let Place { start, end, strand, .. } = place;
        let source = self.record(id);
        let (name, next) = (self.name(id), self.chunk.transcripts.len() as u32);
        let transcripts = [next, next];
        let gene =
            Gene { contig: self.contig, start, end, strand: strand?, plain, source, name, transcripts };
        self.chunk.genes.push(gene);
        (self.gene, self.strand) = (Some(id), None);
        Some(())
    }

    fn open_transcript(&mut self, place: Place, mrna: bool, links: &Links<'a>) -> Option<()> {
        self.close_transcript()?;
        let id = links.id?;
        if links.parent.is_none() || links.parent != self.gene {
            return None;
        }
        let source = self.record(id);
        let name = self.name(id);
        let Place { start, end, strand, .. } = place;
        self.add(
            id,
            Transcript { start, end, strand: strand?, mrna, own_row: true, source, name, parts: [0, 0] },
        )
    }

    /// Parts of a gene itself; none where it has transcripts already.
    fn open_implicit(&mut self, id: &'a [u8]) -> Option<()> {
        let &Gene { start, end, strand, source, name, transcripts, .. } = self.chunk.genes.last()?;
        let new = Transcript { start, end, strand, mrna: false, own_row: false, source, name, parts: [0, 0] };
        (transcripts[0] == transcripts[1]).then(|| self.add(id, new))?
    }

    fn add(&mut self, id: &'a [u8], mut transcript: Transcript) -> Option<()> {
        let from = self.chunk.parts.len() as u32;
        transcript.parts = [from, from];
        let gene = self.chunk.genes.last_mut()?;
        // longer ones are not what all take for a transcript, and a transcript is where its gene is
        if transcript.end - transcript.start > LONGEST || gene.contig != self.contig {
            return None;
        }
        self.chunk.transcripts.push(transcript);
        gene.transcripts[1] = self.chunk.transcripts.len() as u32;
        self.transcript = Some(id);
        Some(())
    }

    /// Notes an ID that stands for one feature; the number of its source.
    fn record(&mut self, id: &[u8]) -> u32 {
        self.ids.push(hash(id));
        self.sources.number(self.source)
    }

    fn name(&mut self, id: &[u8]) -> [u32; 2] {
        let from = self.chunk.names.len() as u32;
        self.chunk.names.extend_from_slice(id);
        [from, self.chunk.names.len() as u32]
    }

    fn landmark(&mut self, links: &Links<'a>) -> Option<()> {
        links.id.map(|id| self.record(id));
        links.parent.is_none().then_some(())
    }

    fn part(&mut self, place: Place, kind: Kind, attributes: &'a [u8]) -> Option<()> {
        let slot = usize::from(kind == Kind::Cds);
        let like_last = matches!(kind, Kind::Exon | Kind::Cds) && self.last[slot] == attributes;
        // no attributes are no attributes of a part
        if !like_last || attributes.is_empty() {
            let links = Links::read(attributes)?;
            self.belongs(&links)?;
            match kind {
                Kind::Exon => self.last[0] = attributes,
                Kind::Cds => {
                    self.last[1] = attributes;
                    self.coding_run(links.id);
                }
                Kind::Codon | Kind::Other => self.piece_ids.extend(links.id.map(hash)),
            }
        }
        self.fits(&place)?;
        let Place { start, end, strand, phase } = place;
        if kind == Kind::Cds {
            if *self.strand.get_or_insert(strand?) != strand? {
                return None;
            }
            let coding = &mut self.coding;
            coding.rows += 1;
            (coding.start, coding.end) = match coding.rows {
                1 => (start, end),
                _ => (coding.start.min(start), coding.end.max(end)),
            };
        }
        self.chunk.parts.push(Part { start, end, kind, phase });
        Some(())
    }

    /// Whether a part lies under the open transcript, or is the first right under its gene.
    fn belongs(&mut self, links: &Links<'a>) -> Option<()> {
        let parent = links.parent?;
        if self.transcript != Some(parent) {
            if self.gene != Some(parent) {
                return None;
            }
            self.open_implicit(parent)?;
        }
        Some(())
    }

    /// Whether a part agrees with the row that it lies under.
    fn fits(&self, place: &Place) -> Option<()> {
        let (owner, gene) = (self.chunk.transcripts.last()?, self.chunk.genes.last()?);
        let inside = owner.start <= place.start && place.end <= owner.end;
        let alike = place.strand == Some(owner.strand) && self.contig == gene.contig;
        (inside && alike && self.sources.list.get(owner.source as usize) == Some(&self.source)).then_some(())
    }

    /// A CDS row with another ID than the one before, or the first.
    fn coding_run(&mut self, id: Option<&'a [u8]>) {
        let coding = &mut self.coding;
        if coding.runs == 0 || coding.id != id {
            coding.runs += 1;
            coding.id = id;
            coding.nameless |= id.is_none();
            self.cds_ids.extend(id.map(hash));
        }
    }

    /// A part that says nothing new.
    fn inert_part(&mut self, place: Place, links: &Links<'a>) -> Option<()> {
        self.piece_ids.extend(links.id.map(hash));
        (links.parent.is_some() && links.parent == self.transcript).then_some(())?;
        self.fits(&place)
    }

    fn stop(&mut self, place: Place, links: &Links<'a>) -> Option<()> {
        self.inert_part(place, links)?;
        if !self.chunk.transcripts.last()?.own_row {
            return None;
        }
        let Place { start, end, phase, .. } = place;
        let (low, high) = self.stops.unwrap_or((start, end));
        self.stops = Some((low.min(start), high.max(end)));
        self.chunk.parts.push(Part { start, end, kind: Kind::Codon, phase });
        Some(())
    }

    /// Ends the open transcript; none where its CDS is not tidy.
    fn close_transcript(&mut self) -> Option<()> {
        let coding = std::mem::take(&mut self.coding);
        let stops = self.stops.take();
        self.last = [&[], &[]];
        if self.transcript.take().is_none() {
            return Some(());
        }
        let to = self.chunk.parts.len() as u32;
        let transcript = self.chunk.transcripts.last_mut()?;
        transcript.parts[1] = to;
        let transcript = *transcript;
        // a stop codon beyond the CDS is a part of it for some
        let beyond = |(start, end): (u32, u32)| match transcript.strand {
            Strand::Plus => end > coding.end,
            Strand::Minus => start < coding.start,
        };
        if coding.rows > 0 && stops.is_some_and(beyond) {
            return None;
        }
        // rows of one ID stand together, or each has its own
        let one_each = coding.runs == coding.rows && !coding.nameless && transcript.own_row;
        self.chunk.id_per_row += u64::from(coding.runs > 1);
        (coding.runs <= 1 || (one_each && !self.overlap(&transcript))).then_some(())
    }

    /// Whether CDS rows overlap.
    fn overlap(&self, transcript: &Transcript) -> bool {
        let mut cds: Vec<_> = self.chunk.cds(transcript).map(|part| (part.start, part.end)).collect();
        cds.sort_unstable();
        cds.windows(2).any(|pair| pair[1].0 < pair[0].1)
    }
}

/// The text up to the next tab, which is passed over.
fn column<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&b| b == b'\t')?;
    let (column, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(column)
}

/// The number up to the next tab, of at most nine digits.
fn position(rest: &mut &[u8]) -> Option<u32> {
    let (mut number, mut at) = (0, 0);
    while let Some(digit) = rest.get(at).filter(|digit| digit.is_ascii_digit()) {
        if at == 9 {
            return None;
        }
        number = number * 10 + u32::from(digit - b'0');
        at += 1;
    }
    let after = rest[at..].strip_prefix(b"\t").filter(|_| at > 0)?;
    *rest = after;
    Some(number)
}
