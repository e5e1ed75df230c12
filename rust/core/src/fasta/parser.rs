//! The push parser: takes chunks of any size, so that a compressed file is never held whole.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter};
use rustc_hash::FxHashMap;

use super::{complain, Contig};
use crate::error::{Error, Result};

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

/// Upper-cases letters in place; false when one is not of the plain alphabet A, C, G, T, N.
/// A loop without branches, which the compiler turns into wide instructions.
pub(super) fn is_plain(letters: &mut [u8]) -> bool {
    let mut odd = 0u8;
    for letter in letters {
        let b = *letter & 0xdf;
        let plain = u8::from(b == b'A')
            | u8::from(b == b'C')
            | u8::from(b == b'G')
            | u8::from(b == b'T')
            | u8::from(b == b'N');
        odd |= plain ^ 1;
        *letter = b;
    }
    odd == 0
}

/// Appends the letters of a piece of one sequence line, upper-cased and without blanks.
///
/// # Errors
/// The offending byte.
pub(super) fn clean(piece: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), u8> {
    for &byte in piece {
        match CLEAN[byte as usize] {
            ILLEGAL => return Err(byte),
            BLANK => {}
            letter => out.push(letter),
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
pub(super) fn join(lines: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        out.extend_from_slice(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]));
        rest = &rest[(end + 1).min(rest.len())..];
    }
    let plain = is_plain(&mut out[before..]);
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
    contigs: Vec<Contig>,
    lines: FxHashMap<String, u64>,
    line: u64,
    at_line_start: bool,
    /// The header so far, while inside one.
    header: Option<Vec<u8>>,
}

impl Parser {
    pub(super) fn new(path: &Path) -> Self {
        Parser {
            path: path.to_path_buf(),
            contigs: Vec::new(),
            lines: FxHashMap::default(),
            line: 1,
            at_line_start: true,
            header: None,
        }
    }

    /// Takes the next piece of the text.
    pub(super) fn feed(&mut self, mut text: &[u8]) -> Result<()> {
        // bytes that have failed as a block and go line by line
        let mut odd = 0usize;
        while !text.is_empty() {
            let sequence = self.header.is_none() && !(self.at_line_start && text[0] == b'>');
            if sequence && odd == 0 {
                let block = &text[..text.len().min(BLOCK)];
                let lines = &block[..memchr(b'>', block).unwrap_or(block.len())];
                if self.block(lines) {
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
            if ends {
                self.end_line()?;
            }
            if let Some(contig) = self.contigs.last_mut().filter(|_| opens && ends) {
                contig.sequence.reserve(memchr(b'>', text).unwrap_or(text.len()));
            }
        }
        Ok(())
    }

    /// Takes lines of plain letters in one go; false, and nothing taken, for anything else.
    fn block(&mut self, lines: &[u8]) -> bool {
        let Some(contig) = self.contigs.last_mut() else { return false };
        if lines.is_empty() || !join(lines, &mut contig.sequence) {
            return false;
        }
        self.line += memchr_iter(b'\n', lines).count() as u64;
        self.at_line_start = lines.ends_with(b"\n");
        true
    }

    fn piece(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(header) = &mut self.header {
            header.extend_from_slice(piece);
        } else if self.at_line_start && piece.first() == Some(&b'>') {
            self.header = Some(piece[1..].to_vec());
        } else if !piece.is_empty() {
            match self.contigs.last_mut() {
                Some(contig) => clean(piece, &mut contig.sequence)
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
        let mut parser = Parser::new(Path::new("x.fna"));
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
        ] {
            let message = parse(text, 2).expect_err("illegal").to_string();
            assert!(message.contains(line) && message.contains(word), "{message}");
        }
    }
}
