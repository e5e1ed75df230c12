//! Exact BPE in linear time: longest token first, one step back where two tokens do not fit.

use super::merges::Merges;
use super::{Encoding, Tokenizer};
use crate::{interrupt, Result};

/// Code of a letter that is no base for the vocabulary; unlike elsewhere, U is such a letter, since
/// it is no token.
const OTHER: u8 = 4;

const CODES: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut i = 0;
    while i < 4 {
        table[b"ACGT"[i] as usize] = i as u8;
        table[b"acgt"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Code 0–3 of a letter, or 4.
pub(super) fn code(letter: u8) -> u8 {
    CODES[usize::from(letter)]
}

impl Tokenizer {
    /// Tokens of a sequence of letters, upper-cased first; every letter other than A, C, G and T
    /// is one token of its own, the unknown one unless the vocabulary has that letter.
    ///
    /// The ids equal those of Hugging Face tokenizers on the upper-cased text, without the
    /// special tokens of its post-processor.
    pub fn encode(&self, letters: &[u8]) -> Encoding {
        let codes: Vec<u8> = letters.iter().map(|&letter| code(letter)).collect();
        self.encode_with(Run::new(&self.merges, &codes), |position| self.letter_id(letters[position]))
    }

    /// As [`Tokenizer::encode`], for sequences so long that a user may not want to wait for the end.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`].
    pub fn encode_long(&self, letters: &[u8]) -> Result<Encoding> {
        let codes: Vec<u8> = letters.iter().map(|&letter| code(letter)).collect();
        let run = Run { watchful: true, ..Run::new(&self.merges, &codes) };
        let encoding = self.encode_with(run, |position| self.letter_id(letters[position]));
        interrupt::check()?;
        Ok(encoding)
    }

    /// Tokens of a sequence of codes 0–3; every other code is read as the letter N.
    pub fn encode_codes(&self, codes: &[u8]) -> Encoding {
        self.encode_with(Run::new(&self.merges, codes), |_| self.letter_id(b'N'))
    }

    fn encode_with(&self, mut run: Run, other: impl Fn(usize) -> u32) -> Encoding {
        let codes = run.codes;
        let mut start = 0;
        while start < codes.len() {
            if codes[start] >= OTHER {
                run.ids.push(other(start));
                run.starts.push(start as u32);
                start += 1;
                continue;
            }
            let end =
                codes[start..].iter().position(|&code| code >= OTHER).map_or(codes.len(), |n| start + n);
            let first = run.ids.len();
            run.encode(start, end);
            for id in &mut run.ids[first..] {
                *id = self.rank_ids[*id as usize];
            }
            start = end;
        }
        Encoding { ids: run.ids, starts: run.starts }
    }
}

/// The state of encoding one sequence.
struct Run<'a> {
    merges: &'a Merges,
    codes: &'a [u8],
    // bit set: no encoding of what is before goes on from here
    dead: Vec<u64>,
    ids: Vec<u32>,
    starts: Vec<u32>,
    // ends early on Ctrl-C
    watchful: bool,
}

impl<'a> Run<'a> {
    fn new(merges: &'a Merges, codes: &'a [u8]) -> Self {
        let guess = codes.len() / 4 + 1;
        Run {
            merges,
            codes,
            dead: vec![0; codes.len() / 64 + 1],
            ids: Vec::with_capacity(guess),
            starts: Vec::with_capacity(guess),
            watchful: false,
        }
    }

    /// Appends the ranks of the bases `start..end`, none of them another letter.
    fn encode(&mut self, start: usize, end: usize) {
        let floor = self.ids.len();
        let mut position = start;
        let mut last = None;
        let mut candidate = self.merges.longest(&self.codes[start..end]);
        while let Some(token) = candidate {
            match self.fit(last, token, position) {
                Some(token) => {
                    self.ids.push(u32::from(token));
                    if self.watchful && self.ids.len() % (1 << 16) == 0 && interrupt::check().is_err() {
                        return;
                    }
                    self.starts.push(position as u32);
                    position += self.merges.length(token);
                    last = Some(token);
                    candidate = self.merges.longest(&self.codes[position..end]);
                }
                None => {
                    self.dead[position / 64] |= 1 << (position % 64);
                    // the first token of a run always fits, so there is one to take back
                    debug_assert!(self.ids.len() > floor);
                    candidate = self.ids.pop().map(|rank| rank as u16);
                    position = self.starts.pop().map_or(end, |start| start as usize);
                    last = self.ids[floor..].last().map(|&rank| rank as u16);
                }
            }
        }
    }

    /// `token` or the longest of its prefixes that can follow `last` at that position.
    #[inline]
    fn fit(&self, last: Option<u16>, token: u16, position: usize) -> Option<u16> {
        let mut candidate = Some(token);
        while let Some(token) = candidate {
            let end = position + self.merges.length(token);
            let open = self.dead[end / 64] >> (end % 64) & 1 == 0;
            if open && last.is_none_or(|last| self.merges.valid(last, token)) {
                return candidate;
            }
            candidate = self.merges.shorter(token);
        }
        None
    }
}
