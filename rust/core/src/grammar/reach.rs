//! The donors that have been passed, and what acceptors can take up from them.

use super::carry::COUNT;

/// Kinds of splice sites that pair: GT or GC with AG, AT with AC.
pub const CLASSES: usize = 2;

/// The donors passed so far, by class and by the carry that they can take up.
pub struct Reach {
    carries: [u64; CLASSES],
    /// one past the last donor of each carry, where introns have a longest length
    last: [[u32; COUNT]; CLASSES],
    max_intron: u32,
}

impl Reach {
    /// Before the first donor; introns may have up to `max_intron` bases, any number if it is 0.
    pub fn new(max_intron: u32) -> Self {
        Reach { carries: [0; CLASSES], last: [[0; COUNT]; CLASSES], max_intron }
    }

    /// Whether no further donor can add to it.
    pub fn is_full(&self, possible: u64) -> bool {
        self.max_intron == 0 && self.carries == [possible; CLASSES]
    }

    /// Passes a donor with the carries that it can take up.
    pub fn add(&mut self, donor: u32, class: usize, open: u64) {
        self.carries[class] |= open;
        if self.max_intron != 0 {
            let lasts = self.last[class].iter_mut().enumerate();
            lasts.filter(|(c, _)| open >> c & 1 == 1).for_each(|(_, last)| *last = donor + 1);
        }
    }

    /// The carries that some donor near enough can take up from an acceptor's segment.
    #[inline]
    pub fn carries(&self, acceptor: u32, class: usize) -> u64 {
        if self.max_intron == 0 {
            return self.carries[class];
        }
        let near = |last: u32| last != 0 && last.saturating_add(self.max_intron) >= acceptor;
        let lasts = self.last[class].iter().enumerate();
        lasts.fold(0, |set, (c, &last)| set | u64::from(near(last)) << c)
    }
}
