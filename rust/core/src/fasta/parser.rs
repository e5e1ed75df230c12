//! The push parser: takes chunks of any size, so that a compressed file is never held whole.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter};
use rustc_hash::FxHashMap;

use super::{complain, Contig, Letters};
use crate::error::{Error, Result};
use crate::{files, interrupt};

/// The longest sequence, as in SAM.
pub(super) const MAX_BASES: usize = i32::MAX as usize;
/// Bytes that are tried as plain letters before they are looked at one by one.
const BLOCK: usize = 1 << 15;

const BLANK: u8 = 1;
const ILLEGAL: u8 = 0;

/// What becomes of each byte of a sequence line: an upper-case letter, [`BLANK`] or [`ILLEGAL`].
const CLEAN: [u8; 256] = {
    let mut table = [ILLEGAL; 256];
    let letters = b"ACGTNRYSWKMBDHVX";
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = letters[i];
        table[letters[i].to_ascii_lowercase() as usize] = letters[i];
        i += 1;
    }
    table[b'U' as usize] = b'T';
    table[b'u' as usize] = b'T';
    table[b' ' as usize] = BLANK;
    table[b'\t' as usize] = BLANK;
    table[b'\r' as usize] = BLANK;
    table
};

/// The bit that tells a small letter from a capital.
const SMALL: u8 = 0x20;

/// The bits of a byte's case that come out.
fn case_mask(letters: Letters) -> u8 {
    match letters {
        Letters::Upper => 0,
        Letters::AsWritten => SMALL,
    }
}

/// Puts letters into the asked case in place; false when one is not of the plain alphabet A, C, G,
/// T, N. A loop without branches, which the compiler turns into wide instructions.
pub(super) fn is_plain(text: &mut [u8], letters: Letters) -> bool {
    let mask = case_mask(letters);
    let mut odd = 0u8;
    for letter in text {
        let b = *letter & !SMALL;
        let plain = u8::from(b == b'A')
            | u8::from(b == b'C')
            | u8::from(b == b'G')
            | u8::from(b == b'T')
            | u8::from(b == b'N');
        odd |= plain ^ 1;
        *letter = b | (*letter & mask);
    }
    odd == 0
}

/// Appends the letters of a piece of one sequence line, in the asked case and without blanks.
///
/// # Errors
/// The offending byte.
pub(super) fn clean(piece: &[u8], letters: Letters, out: &mut Vec<u8>) -> std::result::Result<(), u8> {
    let mask = case_mask(letters);
    for &byte in piece {
        match CLEAN[byte as usize] {
            ILLEGAL => return Err(byte),
            BLANK => {}
            letter => out.push(letter | (byte & mask)),
        }
    }
    Ok(())
}

/// Upper-cases letters in place; false when one is no letter of DNA.
pub(super) fn clean_in_place(letters: &mut [u8]) -> bool {
    letters.iter_mut().all(|letter| {
        *letter = CLEAN[*letter as usize];
        *letter > BLANK
    })
}

/// Appends the letters of several sequence lines; false, and nothing appended, when they hold
/// more than plain letters.
fn join(lines: &[u8], letters: Letters, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        out.extend_from_slice(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]));
        rest = &rest[(end + 1).min(rest.len())..];
    }
    let plain = is_plain(&mut out[before..], letters);
    if !plain {
        out.truncate(before);
    }
    plain
}

/// What to say about a byte that is no base.
pub(super) fn illegal(byte: u8) -> String {
    let advice = match byte {
        b'-' | b'.' => "; an alignment is no genome, remove the gaps",
        b'*' | b'E' | b'F' | b'I' | b'J' | b'L' | b'O' | b'P' | b'Q' | b'Z' => {
            "; DNA is expected, not protein"
        }
        _ => "; DNA letters A, C, G, T, N and IUPAC codes are expected",
    };
    format!("'{}' in a sequence{advice}", byte.escape_ascii())
}

/// The name of a record: its header line (without `>`) up to the first blank.
pub(super) fn name(header: &[u8]) -> &[u8] {
    let end = header.iter().position(u8::is_ascii_whitespace).unwrap_or(header.len());
    &header[..end]
}

/// Reads FASTA text pushed to it piece by piece.
pub(super) struct Parser {
    path: PathBuf,
    letters: Letters,
    contigs: Vec<Contig>,
    lines: FxHashMap<String, u64>,
    line: u64,
    at_line_start: bool,
    /// The header so far, while inside one.
    header: Option<Vec<u8>>,
    /// Nothing was read yet.
    fresh: bool,
    max_bases: usize,
}

impl Parser {
    pub(super) fn new(path: &Path, letters: Letters) -> Self {
        Parser {
            path: path.to_path_buf(),
            letters,
            contigs: Vec::new(),
            lines: FxHashMap::default(),
            line: 1,
            at_line_start: true,
            header: None,
            fresh: true,
            max_bases: MAX_BASES,
        }
    }

    /// Takes the next piece of the text.
    pub(super) fn feed(&mut self, mut text: &[u8]) -> Result<()> {
        if std::mem::take(&mut self.fresh) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        // bytes that have failed as a block and go line by line
        let mut odd = 0usize;
        while !text.is_empty() {
            interrupt::check()?;
            let sequence = self.header.is_none() && !(self.at_line_start && text[0] == b'>');
            if sequence && odd == 0 {
                let block = &text[..text.len().min(BLOCK)];
                let lines = &block[..memchr(b'>', block).unwrap_or(block.len())];
                if self.block(lines) {
                    self.check_length()?;
                    text = &text[lines.len()..];
                    continue;
                }
                odd = lines.len();
            }
            let (piece, ends) = match memchr(b'\n', text) {
                Some(at) => (&text[..at], true),
                None => (text, false),
            };
            text = &text[(piece.len() + usize::from(ends))..];
            odd = odd.saturating_sub(piece.len() + 1);
            let opens = self.header.is_some() || (self.at_line_start && piece.first() == Some(&b'>'));
            self.piece(piece)?;
            self.check_length()?;
            if ends {
                self.end_line()?;
            }
            if let Some(contig) = self.contigs.last_mut().filter(|_| opens && ends) {
                let letters = memchr(b'>', text).unwrap_or(text.len());
                contig.sequence.reserve(letters.min(self.max_bases));
            }
        }
        Ok(())
    }

    /// Takes lines of plain letters in one go; false, and nothing taken, for anything else.
    fn block(&mut self, lines: &[u8]) -> bool {
        let Some(contig) = self.contigs.last_mut() else { return false };
        if lines.is_empty() || !join(lines, self.letters, &mut contig.sequence) {
            return false;
        }
        self.line += memchr_iter(b'\n', lines).count() as u64;
        self.at_line_start = lines.ends_with(b"\n");
        true
    }

    fn check_length(&self) -> Result<()> {
        match self.contigs.last().filter(|contig| contig.sequence.len() > self.max_bases) {
            Some(contig) => {
                let (name, most) = (&contig.name, self.max_bases);
                let message = format!("sequence '{name}' has more than {most} bases, the most that is read");
                Err(complain(&self.path, self.line, message))
            }
            None => Ok(()),
        }
    }

    fn piece(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(header) = &mut self.header {
            header.extend_from_slice(piece);
            if header.len() > files::MAX_LINE {
                return Err(complain(
                    &self.path,
                    self.line,
                    "a header longer than 64 MiB; are line ends lost?",
                ));
            }
        } else if self.at_line_start && piece.first() == Some(&b'>') {
            self.header = Some(piece[1..].to_vec());
        } else if !piece.is_empty() {
            match self.contigs.last_mut() {
                Some(contig) => clean(piece, self.letters, &mut contig.sequence)
                    .map_err(|byte| complain(&self.path, self.line, illegal(byte)))?,
                None if piece.iter().all(u8::is_ascii_whitespace) => {}
                None => {
                    return Err(complain(
                        &self.path,
                        self.line,
                        "text before the first '>' header; this is no FASTA file",
                    ))
                }
            }
        }
        self.at_line_start &= piece.is_empty();
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        if let Some(header) = self.header.take() {
            self.open(&header)?;
        }
        self.line += 1;
        self.at_line_start = true;
        Ok(())
    }

    fn open(&mut self, header: &[u8]) -> Result<()> {
        if header.trim_ascii_end().contains(&b'\r') {
            return Err(complain(&self.path, self.line, files::OLD_MAC));
        }
        let name = name(header);
        if name.is_empty() {
            return Err(complain(&self.path, self.line, "a header without a name after '>'"));
        }
        let name = String::from_utf8_lossy(name).into_owned();
        if let Some(first) = self.lines.insert(name.clone(), self.line) {
            let message =
                format!("sequence '{name}' is there twice (first in line {first}); rename or remove one");
            return Err(complain(&self.path, self.line, message));
        }
        if let Some(contig) = self.contigs.last_mut() {
            contig.sequence.shrink_to_fit();
        }
        self.contigs.push(Contig { name, sequence: Vec::new() });
        Ok(())
    }

    /// The sequences, after the last piece.
    pub(super) fn finish(mut self) -> Result<Vec<Contig>> {
        if let Some(header) = self.header.take() {
            self.open(&header)?;
        }
        if self.contigs.is_empty() {
            return Err(Error::input(&self.path, None, "no sequence in it; a FASTA file is expected"));
        }
        Ok(self.contigs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8], chunk: usize) -> Result<Vec<Contig>> {
        parse_as(text, chunk, Letters::Upper)
    }

    fn parse_as(text: &[u8], chunk: usize, letters: Letters) -> Result<Vec<Contig>> {
        let mut parser = Parser::new(Path::new("x.fna"), letters);
        for piece in text.chunks(chunk) {
            parser.feed(piece)?;
        }
        parser.finish()
    }

    #[test]
    fn any_cut_of_the_text_gives_the_same_sequences() {
        let text = b"\n>a one\r\nACgt \r\n\r\nRyN\n>b\n>c\tx\nU\nxx";
        let whole = parse(text, usize::MAX).expect("legal");
        let found: Vec<_> = whole
            .iter()
            .map(|c| (c.name.as_str(), std::str::from_utf8(&c.sequence).expect("text")))
            .collect();
        assert_eq!(found, [("a", "ACGTRYN"), ("b", ""), ("c", "TXX")]);
        for chunk in 1..text.len() {
            assert_eq!(parse(text, chunk).expect("legal"), whole, "chunks of {chunk}");
            let kept = parse_as(text, chunk, Letters::AsWritten).expect("legal");
            assert_eq!((&kept[0].sequence[..], &kept[2].sequence[..]), (&b"ACgtRyN"[..], &b"Txx"[..]));
        }
    }

    #[test]
    fn a_sequence_has_an_end() {
        for text in [&b">a\nACGT\nACG\n"[..], b">a\nACGTACG", b">a\nACRT\nACG\n"] {
            let mut parser = Parser::new(Path::new("x.fna"), Letters::Upper);
            parser.max_bases = 7;
            parser.feed(text).expect("short enough");
            parser.max_bases = 6;
            assert!(parser.feed(b"C").expect_err("too long").to_string().contains("more than 6 bases"));
        }
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, word) in [
            (&b"ACGT\n"[..], "line 1", "no FASTA"),
            (b">a\nAC\n>a\nGT", "line 3", "twice (first in line 1)"),
            (b">a\nAC\nMKLV", "line 3", "not protein"),
            (b">a\nA-C", "line 2", "gaps"),
            (b"> a\nAC", "line 1", "without a name"),
            (b"", "x.fna", "no sequence"),
            (b">a\rACGT\r", "line 1", "carriage returns"),
        ] {
            let message = parse(text, 2).expect_err("illegal").to_string();
            assert!(message.contains(line) && message.contains(word), "{message}");
        }
    }
}
