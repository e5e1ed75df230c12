//! A fast way through tidy GFF3 files: gene, then transcript, then its parts, each with one parent right
//! above. It gives what [`crate::annotation`] gives, or nothing, and then that reader takes over: it
//! mends what is not tidy and names the line of what is wrong.

use memchr::memchr;
use rustc_hash::FxHashMap;
use std::hash::{BuildHasher, BuildHasherDefault};

use super::set::{GeneSet, Isoforms, Selection};
use crate::annotation::attributes::decode;
use crate::annotation::rows::columns;
use crate::gene::{Interval, Strand};

/// The chosen transcripts of a tidy GFF3 text; none where it is not tidy.
pub(super) fn read(text: &[u8], selection: &Selection) -> Option<GeneSet> {
    if text.trim_ascii_start().first() == Some(&b'>') {
        return None;
    }
    let mut reader = Reader::default();
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii_end();
        rest = &rest[(end + 1).min(rest.len())..];
        match line.first() {
            None => {}
            Some(b'>') => break,
            Some(b'#') if line.starts_with(b"##FASTA") => break,
            Some(b'#') => {}
            Some(_) => reader.row(line, selection)?,
        }
    }
    reader.close_gene(selection);
    if is_repeated(&mut reader.ids) || is_repeated(&mut reader.cds_ids) {
        return None;
    }
    reader.set.contigs = reader.contigs.iter().map(|name| decode(name)).collect();
    Some(reader.set)
}

/// The gene or transcript that the next rows may belong to.
#[derive(Default)]
struct Open<'a> {
    id: &'a [u8],
    contig: u32,
}

#[derive(Default)]
struct Reader<'a> {
    set: GeneSet,
    contigs: Vec<&'a [u8]>,
    numbers: FxHashMap<&'a [u8], u32>,
    here: (&'a [u8], u32),
    /// Hashes of the IDs of genes and transcripts, and of CDS.
    ids: Vec<u64>,
    cds_ids: Vec<u64>,
    hasher: BuildHasherDefault<rustc_hash::FxHasher>,
    gene: Option<Open<'a>>,
    transcript: Option<Open<'a>>,
    strand: Option<Strand>,
    /// CDS rows of the open transcript, and the ID that they share.
    cds: Vec<Interval>,
    cds_id: Option<&'a [u8]>,
    /// Chains of the open gene that count so far, one after the other, and where each ends.
    chains: Vec<Interval>,
    ends: Vec<usize>,
}

/// The attributes that decide where a row belongs.
#[derive(Default)]
struct Links<'a> {
    id: Option<&'a [u8]>,
    parent: Option<&'a [u8]>,
}

/// Whether an ID, or one that cannot be told from it by its hash, is there twice.
fn is_repeated(hashes: &mut [u64]) -> bool {
    hashes.sort_unstable();
    hashes.windows(2).any(|pair| pair[0] == pair[1])
}

/// None where column 9 holds what only the other reader understands.
fn links(mut text: &[u8]) -> Option<Links<'_>> {
    let mut links = Links::default();
    if memchr(b'\t', text).is_some() {
        return None;
    }
    while !text.is_empty() {
        let end = memchr(b';', text).unwrap_or(text.len());
        let item = &text[..end];
        text = &text[(end + 1).min(text.len())..];
        if let Some(id) = item.strip_prefix(b"ID=") {
            links.id = plain(id)?;
        } else if let Some(parent) = item.strip_prefix(b"Parent=") {
            if links.parent.is_some() || memchr(b',', parent).is_some() {
                return None;
            }
            links.parent = plain(parent)?;
        } else if memchr(b'=', item).is_none() || item.first().is_some_and(u8::is_ascii_whitespace) {
            return None;
        } else if item.starts_with(b"ID") || item.starts_with(b"Parent") {
            // blanks around the key
            return None;
        }
    }
    Some(links)
}

/// A value without blanks at its ends; none where it is empty.
fn plain(value: &[u8]) -> Option<Option<&[u8]>> {
    (!value.is_empty() && value.trim_ascii().len() == value.len()).then_some(Some(value))
}

fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')))
}

impl<'a> Reader<'a> {
    /// Takes a row in; none where the file is not tidy.
    fn row(&mut self, line: &'a [u8], selection: &Selection) -> Option<()> {
        let (columns, n, attributes) = columns::<8>(line);
        let [contig, _, kind, start, end, _, strand, phase] = columns;
        let (start, end) = (number(start)?, number(end)?);
        if n < 8 || contig.is_empty() || start == 0 || start > end {
            return None;
        }
        let strand = match strand {
            b"+" => Some(Strand::Plus),
            b"-" => Some(Strand::Minus),
            b"." | b"?" => None,
            _ => return None,
        };
        let contig = self.contig(contig);
        match kind {
            b"CDS" => {
                if !matches!(phase, b"0" | b"1" | b"2" | b".") {
                    return None;
                }
                self.coding(Interval::new(start - 1, end), strand?, contig, &links(attributes)?)
            }
            b"exon" | b"start_codon" | b"five_prime_UTR" | b"three_prime_UTR" => {
                let parent = links(attributes)?.parent?;
                self.transcript.as_ref().filter(|open| open.id == parent).map(drop)
            }
            b"gene" | b"pseudogene" | b"ncRNA_gene" => self.open_gene(contig, &links(attributes)?, selection),
            b"mRNA" | b"transcript" | b"tRNA" | b"rRNA" | b"ncRNA" | b"lnc_RNA" | b"snRNA" | b"snoRNA" => {
                self.open_transcript(contig, &links(attributes)?, selection)
            }
            b"region" | b"chromosome" | b"contig" | b"gap" | b"intron" => links(attributes).map(drop),
            _ => None,
        }
    }

    fn contig(&mut self, name: &'a [u8]) -> u32 {
        if self.here.0 != name {
            let next = self.contigs.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.contigs.push(name);
            }
            self.here = (name, number);
        }
        self.here.1
    }

    fn open_gene(&mut self, contig: u32, links: &Links<'a>, selection: &Selection) -> Option<()> {
        if links.parent.is_some() {
            return None;
        }
        self.close_gene(selection);
        let id = links.id?;
        self.ids.push(self.hasher.hash_one(id));
        self.gene = Some(Open { id, contig });
        Some(())
    }

    fn open_transcript(&mut self, contig: u32, links: &Links<'a>, selection: &Selection) -> Option<()> {
        self.close_transcript(selection);
        let (id, parent) = (links.id?, links.parent?);
        self.ids.push(self.hasher.hash_one(id));
        self.gene.as_ref().filter(|gene| gene.id == parent && gene.contig == contig)?;
        self.transcript = Some(Open { id, contig });
        Some(())
    }

    fn coding(&mut self, part: Interval, strand: Strand, contig: u32, links: &Links<'a>) -> Option<()> {
        let parent = links.parent?;
        self.transcript.as_ref().filter(|open| open.id == parent && open.contig == contig)?;
        if *self.strand.get_or_insert(strand) != strand {
            return None;
        }
        if self.cds.is_empty() {
            self.cds_id = links.id;
            // the rows of one CDS stand together, or it takes the other reader to say what they are
            self.cds_ids.extend(links.id.map(|id| self.hasher.hash_one(id)));
        } else if self.cds_id != links.id {
            return None;
        }
        self.cds.push(part);
        Some(())
    }

    fn close_transcript(&mut self, selection: &Selection) {
        self.transcript = None;
        if self.cds.is_empty() {
            return;
        }
        let mut cds = std::mem::take(&mut self.cds);
        if !cds.is_sorted() {
            cds.sort();
        }
        cds.dedup();
        let bases = |chain: &[Interval]| chain.iter().map(|s| u64::from(s.len())).sum::<u64>();
        let keep = match selection.isoforms {
            Isoforms::All => bases(&cds) >= u64::from(selection.min_cds),
            Isoforms::Longest => bases(&cds) > bases(&self.chains) || self.ends.is_empty(),
        };
        if keep {
            if selection.isoforms == Isoforms::Longest {
                self.chains.clear();
                self.ends.clear();
            }
            self.chains.extend_from_slice(&cds);
            self.ends.push(self.chains.len());
        }
        cds.clear();
        self.cds = cds;
    }

    fn close_gene(&mut self, selection: &Selection) {
        self.close_transcript(selection);
        let longest_only = selection.isoforms == Isoforms::Longest;
        let bases = self.chains.iter().map(|s| u64::from(s.len())).sum::<u64>();
        let too_short = longest_only && bases < u64::from(selection.min_cds);
        if let (Some(gene), Some(strand), false) = (&self.gene, self.strand, too_short) {
            let mut from = 0;
            for &to in &self.ends {
                self.set.add_chain(self.chains[from..to].iter().copied());
                from = to;
            }
            match gene.id.contains(&b'%') {
                true => self.set.add_gene(&decode(gene.id), gene.contig, strand),
                false => self.set.add_gene(&String::from_utf8_lossy(gene.id), gene.contig, strand),
            }
        }
        self.chains.clear();
        self.ends.clear();
        self.gene = None;
        self.strand = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{self, Feature};
    use proptest::prelude::*;
    use std::path::Path;

    /// Every gene with its contig, name and chains.
    fn listed(set: &GeneSet) -> Vec<(String, String, Strand, Vec<Vec<Interval>>)> {
        set.genes()
            .map(|gene| {
                let chains = gene.chains().map(|chain| chain.segments.to_vec()).collect();
                (set.contigs[gene.contig() as usize].clone(), gene.id().to_string(), gene.strand(), chains)
            })
            .collect()
    }

    /// Whether the text was tidy; both readers must agree then.
    fn agree(text: &str) -> bool {
        let mut tidy = false;
        for (isoforms, min_cds) in
            [(Isoforms::Longest, 0), (Isoforms::All, 0), (Isoforms::All, 12), (Isoforms::Longest, 12)]
        {
            let selection = Selection { isoforms, min_cds, ..Selection::default() };
            let Some(fast) = read(text.as_bytes(), &selection) else { continue };
            let slow = annotation::parse_feature(Path::new("x"), text.as_bytes(), Feature::Cds);
            let slow = GeneSet::of_annotation(slow.expect("legal"), &selection);
            assert_eq!(listed(&fast), listed(&slow), "{text}");
            assert_eq!(fast.contigs, slow.contigs);
            tidy = true;
        }
        tidy
    }

    const TIDY: &str = "##gff-version 3\n\
        a\t.\tgene\t1\t99\t.\t-\t.\tID=g%2C1;Name=x\n\
        a\t.\tmRNA\t1\t99\t.\t-\t.\tID=t1;Parent=g%2C1\n\
        a\t.\texon\t1\t99\t.\t-\t.\tParent=t1\n\
        a\t.\tCDS\t61\t69\t.\t-\t0\tID=c1;Parent=t1\n\
        a\t.\tCDS\t1\t9\t.\t-\t0\tID=c1;Parent=t1\n\
        a\t.\tmRNA\t1\t99\t.\t-\t.\tID=t2;Parent=g%2C1\n\
        a\t.\tCDS\t1\t18\t.\t-\t0\tParent=t2\n\
        ###\n\
        b\t.\tgene\t1\t99\t.\t+\t.\tID=g2\n\
        b\t.\tgene\t1\t99\t.\t+\t.\tID=g3\n\
        b\t.\ttranscript\t1\t99\t.\t+\t.\tID=t3;Parent=g3\n\
        b\t.\tCDS\t7\t15\t.\t+\t0\tID=c3;Parent=t3\n";

    #[test]
    fn a_tidy_file_is_read_alike() {
        assert!(agree(TIDY));
        assert!(agree(&TIDY.replace('\n', "\r\n")));
        assert!(agree("##gff-version 3\n"));
    }

    #[test]
    fn what_is_not_tidy_is_left_to_the_other_reader() {
        for (from, to) in [
            ("ID=t2;Parent=g%2C1", "ID=t2;Parent=g9"),
            ("ID=g3", "ID=g2"),
            ("ID=c3", "ID=c1"),
            ("Parent=t2", "Parent=t1,t2"),
            ("Parent=t2", "Parent=t1"),
            ("CDS\t1\t18\t.\t-", "CDS\t1\t18\t.\t+"),
            ("CDS\t1\t18", "CDS\t18\t1"),
            ("CDS\t1\t18", "stop_codon\t1\t18"),
            ("b\t.\tCDS", "a\t.\tCDS"),
            ("ID=c3;Parent=t3", "Parent t3"),
        ] {
            let text = TIDY.replacen(from, to, 1);
            assert_ne!(text, TIDY);
            assert!(read(text.as_bytes(), &Selection::default()).is_none(), "{from} -> {to}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn the_readers_never_differ(edits in prop::collection::vec((0usize..TIDY.len(), 0usize..24), 0..5), drop in 0usize..16) {
            let mut text: Vec<u8> = TIDY.bytes().collect();
            for (at, letter) in edits {
                text[at] = b"\t\n;=,.0129ab+-?gtc%#> :"[letter % 23];
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            agree(&text);
            // with a line gone, and with one in the place of another
            let gone: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != drop).map(|(_, line)| *line).collect();
            agree(&(gone.join("\n") + "\n"));
            let mut swapped = lines.clone();
            let n = swapped.len();
            swapped.swap(drop % n, (drop * 7 + 3) % n);
            agree(&(swapped.join("\n") + "\n"));
        }
    }
}
