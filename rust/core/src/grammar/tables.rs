//! The tables of one strand of one window, read left to right in the gene's own direction.
//!
//! With which carries a base may be read depends on its neighbours and on one bit alone: whether
//! reading can go on behind a whole codon that ends before it. That bit passes from codon to codon,
//! so it is worked out for the 64 bases of a word at once, and the carries of a base only where
//! they are asked for.

use super::carry::{Codons, NONE, STOP};
use super::reach::{Reach, CLASSES};
use super::GrammarConfig;
use crate::bits::{self, moved, Bases, Trail, WORD};
use crate::dna;

/// Bases before an acceptor's class 0, AG, and 1, AC.
const ACCEPTORS: [[u8; 2]; CLASSES] = [[0, 2], [0, 1]];
/// How far a donor's bit lies behind it: on the last base of the dinucleotide that shows it.
const BEHIND: usize = 2;

/// What can still be finished to the left of each base.
#[derive(Debug)]
pub struct StrandTables {
    /// base codes in the gene's own direction
    pub codes: Vec<u8>,
    words: Vec<Word>,
    /// by acceptor, ascending: carries (its base read) from which some donor fits
    carries: Vec<u64>,
}

/// What is where among 64 bases, one bit per base.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    bases: Bases,
    /// the base after an acceptor, by class
    acceptors: [u64; CLASSES],
    /// acceptors in the words before
    passed: usize,
    /// two bases after the last one before a donor, by class
    donors: [u64; CLASSES],
    /// last base of a stop codon that a gene may end with
    anchors: u64,
    /// with no carry this base can be the next one of a segment
    free: u64,
    /// some donor fits where an acceptor comes after this base ...
    taken: Taken,
}

/// ... and what has been read of the codon under way.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    /// nothing
    none: u64,
    /// this base, or also the one after it
    one: u64,
    two: u64,
    /// the same inside the stop codon
    stop_one: u64,
    stop_two: u64,
}

/// One base of a segment, read backwards.
pub struct Stride {
    /// The base.
    pub position: u32,
    /// The carry after it.
    pub carry: u8,
    /// Whether an acceptor may be written here.
    pub acceptor: bool,
    /// Whether the start may be written here.
    pub start: bool,
}

impl StrandTables {
    /// The tables of that sequence, every code below 5.
    pub fn new(codes: Vec<u8>, codons: &Codons, config: &GrammarConfig) -> Self {
        let count = codes.len().div_ceil(WORD);
        let carries = Vec::with_capacity(codes.len() / 6);
        let mut tables = StrandTables { codes, words: Vec::with_capacity(count), carries };
        let mut donors = Donors::new(config);
        let mut before = Bases::default();
        for start in (0..count).map(|i| i * WORD) {
            let end = tables.codes.len().min(start + WORD);
            let now = bits::bases(&tables.codes[start..end]);
            tables.add(&Trail::new(&now, &before), &mut donors, codons);
            before = now;
        }
        tables
    }

    /// Adds the next word.
    fn add(&mut self, trail: &Trail, donors: &mut Donors, codons: &Codons) {
        let before = self.words.last().copied().unwrap_or_default();
        let (stops, starts) = (trail.codons(&codons.stops), trail.codons(&codons.starts));
        let steps = trail.known() & !stops;
        self.words.push(Word {
            bases: *trail.last(),
            acceptors: ACCEPTORS.map(|pair| trail.pair(pair, 1)),
            passed: self.carries.len(),
            donors: [trail.pair([2, 3], 0) | trail.pair([2, 1], 0), trail.pair([0, 3], 0)],
            ..Word::default()
        });
        let (i, mut done) = (self.words.len() - 1, 0);
        while done < WORD {
            // what the donors of this stretch can take up does not matter before its end
            let end = if donors.reach.is_full(codons.possible) { WORD } else { WORD.min(done + donors.gap) };
            self.take_up(i, done..end, donors, codons);
            let word = &mut self.words[i];
            let begun = starts | word.taken.one | moved(word.taken.two, before.taken.two, 1);
            let goes_on = steps & moved(word.taken.none, before.taken.none, 2);
            word.free = chained(begun | goes_on, steps, before.free);
            done = end;
        }
        let word = &mut self.words[i];
        let whole = moved(word.taken.none, before.taken.none, 2) | moved(word.free, before.free, 3);
        let split = word.taken.stop_one | moved(word.taken.stop_two, before.taken.stop_two, 1);
        word.anchors = stops & whole | split;
    }

    /// Reads the acceptors of a part of a word.
    fn take_up(&mut self, i: usize, part: std::ops::Range<usize>, donors: &mut Donors, codons: &Codons) {
        // the last two bases of the window may look like an acceptor too
        let part = part.start..part.end.min(self.codes.len() - i * WORD);
        if part.is_empty() {
            return;
        }
        let within = u64::MAX >> (WORD - part.len()) << part.start;
        let [first, second] = self.words[i].acceptors.map(|bits| bits & within);
        for place in bits::ones(first | second) {
            let p = i * WORD + place;
            donors.pass(p, self, codons);
            let carries = donors.reach.carries(p as u32, (second >> place & 1) as usize);
            self.carries.push(carries);
            let after = self.codes.get(p + 1).copied().unwrap_or(dna::N);
            self.words[i].taken.set(place, codons.splits(carries, self.codes[p], after));
        }
    }

    /// The carries with which a base can be the next one of a segment.
    pub fn open(&self, position: usize, codons: &Codons) -> u64 {
        // further to the left only the bit of a whole codon counts
        (0..3).rev().filter_map(|back| position.checked_sub(back)).fold(0, |open, p| {
            let after = open | self.acceptor(p).unwrap_or(0) | u64::from(self.follows_codon(p));
            match self.codes[p] {
                dna::N.. => 0,
                code => codons.before(code, after),
            }
        })
    }

    /// Whether reading can go on behind a codon whose first base that is.
    #[inline]
    fn follows_codon(&self, position: usize) -> bool {
        let bit = |word: u64, p: usize| word >> (p % WORD) & 1 == 1;
        bit(self.words[position / WORD].taken.none, position)
            || position.checked_sub(1).is_some_and(|p| bit(self.words[p / WORD].free, p))
    }

    /// The carries from which some donor fits, if the base comes after an acceptor.
    #[inline]
    pub fn acceptor(&self, position: usize) -> Option<u64> {
        let (word, place) = (&self.words[position / WORD], position % WORD);
        let all = word.acceptors();
        (all >> place & 1 == 1)
            .then(|| self.carries[word.passed + (all & ((1 << place) - 1)).count_ones() as usize])
    }

    /// The stops that begin a gene, ascending.
    pub fn anchors(&self) -> Vec<i32> {
        let mut anchors = Vec::with_capacity(self.codes.len() / 8);
        for (i, word) in self.words.iter().enumerate() {
            anchors.extend(bits::ones(word.anchors).map(|place| (i * WORD + place) as i32));
        }
        anchors
    }

    /// Reads a segment backwards from its last base, as long as its codons allow it.
    pub fn walk<'a>(
        &'a self,
        right: u32,
        carry: u8,
        codons: &'a Codons,
    ) -> impl Iterator<Item = Stride> + 'a {
        let mut carry = carry;
        (0..=right).rev().map_while(move |position| {
            let p = position as usize;
            let code = self.codes[p];
            if code >= dna::N || codons.next(carry, code) == NONE {
                return None;
            }
            let start = codons.completes_start(carry, code);
            carry = codons.next(carry, code);
            let acceptor = self.acceptor(p).is_some_and(|open| open >> carry & 1 == 1);
            Some(Stride { position, carry, acceptor, start })
        })
    }

    /// The donors, ascending, that may follow an acceptor written with that carry.
    pub fn donors<'a>(
        &'a self,
        acceptor: u32,
        carry: u8,
        codons: &'a Codons,
        config: &GrammarConfig,
    ) -> impl Iterator<Item = u32> + 'a {
        let (word, place) = (&self.words[acceptor as usize / WORD], acceptor as usize % WORD);
        let class = word.acceptors.iter().position(|bits| bits >> place & 1 == 1);
        let longest = if config.max_intron == 0 { u32::MAX } else { config.max_intron };
        let first = acceptor.saturating_sub(longest.saturating_add(1)) as usize;
        // one past the last
        let end = acceptor.saturating_sub(config.min_intron) as usize;
        let words = class.map_or(0..0, |_| first / WORD..end.div_ceil(WORD));
        let mut reading = Reading::new(carry, codons);
        words.flat_map(move |i| {
            let within =
                u64::MAX << first.saturating_sub(i * WORD) & u64::MAX >> (WORD - (end - i * WORD).min(WORD));
            let donors = within & self.donor_word(i, class.unwrap_or(0));
            let open = reading.word(self, i);
            // those alone that come after an acceptor can take up more
            let more = bits::ones(donors & !open & self.words[i].acceptors()).filter(|&place| {
                let p = i * WORD + place;
                let next = if self.codes[p] < dna::N { codons.next(carry, self.codes[p]) } else { NONE };
                next != NONE && self.acceptor(p).is_some_and(|carries| carries >> next & 1 == 1)
            });
            let more = more.fold(0, |bits, place| bits | 1 << place);
            bits::ones(donors & (open | more)).map(move |place| (i * WORD + place) as u32)
        })
    }

    /// The last bases before a donor in a word.
    fn donor_word(&self, i: usize, class: usize) -> u64 {
        let ahead = self.words.get(i + 1).map_or(0, |word| word.donors[class]);
        self.words[i].donors[class] >> BEHIND | ahead << (WORD - BEHIND)
    }
}

impl Word {
    #[inline]
    fn acceptors(&self) -> u64 {
        self.acceptors[0] | self.acceptors[1]
    }
}

/// Where the bases of one word after another can be read with a carry.
struct Reading {
    carry: u8,
    /// for each carry that completes a codon, see [`Codons::completing`]
    whole: Vec<[[u64; 4]; 2]>,
    /// the word whose codons have been completed last, and where they were
    before: Option<usize>,
    completed: [u64; 4],
}

impl Reading {
    fn new(carry: u8, codons: &Codons) -> Self {
        let carries = if Codons::is_one_base(carry) {
            (0..4).map(|base| codons.next(carry, base)).collect()
        } else {
            vec![carry]
        };
        let whole = carries.into_iter().map(|carry| codons.completing(carry)).collect();
        Reading { carry, whole, before: None, completed: [0; 4] }
    }

    /// The bits of a word, but for what a base after an acceptor takes up there.
    fn word(&mut self, tables: &StrandTables, i: usize) -> u64 {
        let word = &tables.words[i];
        match self.carry {
            0 => return word.free,
            STOP => return word.anchors,
            _ if self.whole.len() == 1 => return Self::complete(tables, i, &self.whole[0]),
            _ => {}
        }
        let mut open = 0;
        for (base, whole) in self.whole.iter().enumerate() {
            let before = match (i.checked_sub(1), self.before) {
                (None, _) => 0,
                (last, known) if last == known => self.completed[base],
                (Some(last), _) => Self::complete(tables, last, whole),
            };
            self.completed[base] = Self::complete(tables, i, whole);
            open |= word.bases[base] & moved(self.completed[base], before, 1);
        }
        self.before = Some(i);
        open
    }

    /// The first bases of codons of which two bases have been read.
    fn complete(tables: &StrandTables, i: usize, [follow, begin]: &[[u64; 4]; 2]) -> u64 {
        let (word, before) = (&tables.words[i], i.checked_sub(1).map_or(0, |i| tables.words[i].free));
        let behind = word.taken.none | moved(word.free, before, 1);
        let bases = word.bases.iter().zip(follow.iter().zip(begin));
        bases.fold(0, |open, (bits, (follow, begin))| open | bits & (follow & behind | begin))
    }
}

impl Taken {
    /// Notes what an acceptor's base leaves, see [`Codons::splits`].
    #[inline]
    fn set(&mut self, place: usize, [none, one, two, stop_one, stop_two]: [u64; 5]) {
        self.none |= none << place;
        self.one |= one << place;
        self.two |= two << place;
        self.stop_one |= stop_one << place;
        self.stop_two |= stop_two << place;
    }
}

/// The bits that begin, and those a codon further on wherever a step leads there.
fn chained(begun: u64, steps: u64, before: u64) -> u64 {
    let (mut reached, mut steps) = (begun | steps & moved(0, before, 3), steps);
    for by in [3, 6, 12, 24, 48] {
        reached |= steps & reached << by;
        steps &= steps << by;
    }
    reached
}

/// Goes along the donors behind the acceptors.
struct Donors {
    reach: Reach,
    /// bases from a donor to the first acceptor that it fits
    gap: usize,
    /// the next base whose donor bit has not been looked at
    next: usize,
}

impl Donors {
    fn new(config: &GrammarConfig) -> Self {
        let gap = config.min_intron as usize + 1;
        Donors { reach: Reach::new(config.max_intron), gap, next: BEHIND }
    }

    /// Takes in the donors that fit an acceptor.
    fn pass(&mut self, acceptor: usize, tables: &StrandTables, codons: &Codons) {
        if self.reach.is_full(codons.possible) {
            return;
        }
        let end = (acceptor + 1 + BEHIND).saturating_sub(self.gap);
        while self.next < end {
            let (word, place) = (&tables.words[self.next / WORD], self.next % WORD);
            let [first, second] = word.donors.map(|bits| bits >> place);
            let ahead = (first | second).trailing_zeros() as usize;
            let found = self.next + ahead.min(WORD - place);
            if ahead < WORD && found < end {
                let donor = found - BEHIND;
                self.reach.add(donor as u32, (second >> ahead & 1) as usize, tables.open(donor, codons));
            }
            self.next = if ahead < WORD { end.min(found + 1) } else { end.min(found) };
        }
    }
}
