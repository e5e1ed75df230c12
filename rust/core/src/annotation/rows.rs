//! Lines into rows of nine columns.

use std::path::Path;

use memchr::{memchr, memmem};

use super::Format;
use crate::error::{Error, Result};
use crate::gene::Strand;
use crate::{files, interrupt};

/// One feature row, with its positions 0-based and half-open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub line: u64,
    pub contig: &'a [u8],
    pub source: &'a [u8],
    pub kind: &'a [u8],
    pub start: u32,
    pub end: u32,
    pub strand: Option<Strand>,
    pub phase: Option<u8>,
    pub attributes: &'a [u8],
}

/// What one line may hold.
pub(crate) enum Line<'a> {
    Row(Row<'a>),
    /// `##sequence-region name start end`, 0-based and half-open.
    Region(&'a [u8], u32, u32),
}

/// Walks over the rows of a text, up to its FASTA section.
pub(crate) struct Rows<'a> {
    path: &'a Path,
    text: &'a [u8],
    line: u64,
    /// How many `###` have passed; IDs of one block may mean something else in the next.
    pub block: u32,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(path: &'a Path, text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Rows { path, text, line: 0, block: 0 }
    }

    /// The next line that is neither empty nor a comment, with its number.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        while !self.text.is_empty() {
            let end = memchr(b'\n', self.text).unwrap_or(self.text.len());
            let line = self.text[..end].trim_ascii_end();
            self.text = &self.text[(end + 1).min(self.text.len())..];
            self.line += 1;
            match line.first() {
                None => {}
                Some(b'>') => self.text = &[],
                Some(b'#') if line.starts_with(b"##FASTA") => self.text = &[],
                Some(b'#') if line.starts_with(b"###") => self.block += 1,
                Some(b'#') if !line.starts_with(b"##sequence-region") => {}
                Some(_) => return Some(line),
            }
        }
        None
    }

    /// The next row or region.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'a>>> {
        while let Some(line) = self.next_line() {
            if self.line % (1 << 12) == 0 {
                interrupt::check()?;
            }
            if line[0] != b'#' {
                return self.row(line).map(|row| Some(Line::Row(row)));
            }
            // a region that cannot be read binds nobody
            if let Some((name, start, end)) = region(line) {
                return Ok(Some(Line::Region(name, start, end)));
            }
        }
        Ok(None)
    }

    fn row(&self, line: &'a [u8]) -> Result<Row<'a>> {
        let (columns, attributes) = self.eight(line)?;
        let [contig, source, kind, start, end, _, strand, phase] = columns;
        if contig.is_empty() || kind.is_empty() {
            return Err(self.error("an empty sequence name (column 1) or type (column 3)"));
        }
        let (start, end) = (self.position(start, 4)?, self.position(end, 5)?);
        if start > end {
            return Err(self.error(format!(
                "start {start} is greater than end {end}; start must be the smaller on both strands"
            )));
        }
        let strand = match strand {
            b"+" => Some(Strand::Plus),
            b"-" => Some(Strand::Minus),
            b"." | b"?" | b"" => None,
            other => {
                return Err(self.error(format!("strand '{}' is none of + - . ?", shown(other).escape_ascii())))
            }
        };
        let phase = match phase {
            b"0" => Some(0),
            b"1" => Some(1),
            b"2" => Some(2),
            b"." | b"" => None,
            _ if kind != b"CDS" => None,
            other => {
                return Err(self.error(format!("phase '{}' is none of 0 1 2 .", shown(other).escape_ascii())))
            }
        };
        Ok(Row { line: self.line, contig, source, kind, start: start - 1, end, strand, phase, attributes })
    }

    /// The first eight columns, and the ninth.
    #[inline]
    fn eight(&self, line: &'a [u8]) -> Result<([&'a [u8]; 8], &'a [u8])> {
        if let Some(found) = eight_of_block(line) {
            return Ok(found);
        }
        let (columns, n, attributes) = columns::<8>(line);
        if n < 8 {
            return Err(self.error(format!("{} tab-separated columns where GFF and GTF have 9", n + 1)));
        }
        if memchr(b'\t', attributes).is_some() {
            return Err(self.error("more than 9 tab-separated columns; a tab in column 9 is written %09"));
        }
        Ok((columns, attributes))
    }

    fn position(&self, text: &[u8], column: u8) -> Result<u32> {
        number(text).filter(|&n| n > 0).ok_or_else(|| {
            self.error(format!(
                "'{}' in column {column} is no position from 1 to {}",
                shown(text).escape_ascii(),
                u32::MAX
            ))
        })
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::input(self.path, self.line, message)
    }
}

/// As much of a text as fits into a message.
fn shown(text: &[u8]) -> &[u8] {
    &text[..text.len().min(40)]
}

/// Bytes whose tabs are looked for at once.
const BLOCK: usize = 64;

/// The first eight columns and the ninth of a line with eight tabs, all of them among its first bytes: most
/// rows are of that kind, and no branch of this loop depends on how long their columns are.
#[inline]
fn eight_of_block(line: &[u8]) -> Option<([&[u8]; 8], &[u8])> {
    let mut tabs = 0;
    match line.first_chunk::<BLOCK>() {
        Some(block) => {
            for (i, word) in block.chunks_exact(8).enumerate() {
                tabs |= tabs_of_word(word) << (8 * i);
            }
        }
        None => {
            let words = line.chunks_exact(8);
            let rest = words.remainder();
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            tabs = tabs_of_word(&last) << (line.len() - rest.len());
            for (i, word) in words.enumerate() {
                tabs |= tabs_of_word(word) << (8 * i);
            }
        }
    }
    if tabs.count_ones() != 8 || memchr(b'\t', &line[line.len().min(BLOCK)..]).is_some() {
        return None;
    }
    let mut columns: [&[u8]; 8] = [&[]; 8];
    let mut from = 0;
    for column in &mut columns {
        let at = tabs.trailing_zeros() as usize;
        *column = &line[from..at];
        from = at + 1;
        tabs &= tabs - 1;
    }
    Some((columns, &line[from..]))
}

/// The tabs among eight bytes, one bit each, the first byte lowest.
#[inline]
fn tabs_of_word(word: &[u8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let mut bytes = [0; 8];
    bytes.copy_from_slice(word);
    // zero where there is a tab
    let other = u64::from_le_bytes(bytes) ^ 0x0909_0909_0909_0909;
    let tabs = !(((other & LOW) + LOW) | other | LOW) >> 7;
    // the lowest bits of all bytes side by side
    tabs.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The first N tab-separated columns, how many tabs end them (N unless the line has fewer), and what
/// is behind the last of these tabs.
#[inline]
pub(crate) fn columns<const N: usize>(line: &[u8]) -> ([&[u8]; N], usize, &[u8]) {
    let mut columns: [&[u8]; N] = [&[]; N];
    let (mut from, mut n) = (0, 0);
    // columns are short: a plain loop beats memchr
    for (at, &byte) in line.iter().enumerate() {
        if byte == b'\t' {
            columns[n] = &line[from..at];
            from = at + 1;
            n += 1;
            if n == N {
                break;
            }
        }
    }
    (columns, n, &line[from..])
}

/// What a `##sequence-region` line says: name, start and end, 0-based and half-open.
pub(crate) fn region(line: &[u8]) -> Option<(&[u8], u32, u32)> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).skip(1);
    let name = words.next()?;
    let mut number = || words.next().and_then(number);
    let (start, end) = (number()?, number()?);
    Some((name, start.saturating_sub(1), end))
}

fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 10 {
        return None;
    }
    let mut n = 0u64;
    for &digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        n = n * 10 + u64::from(digit - b'0');
    }
    u32::try_from(n).ok()
}

/// Refuses files of which no row would be seen: FASTA, and lines that end as on old Macs.
pub(super) fn refuse_foreign(path: &Path, text: &[u8]) -> Result<()> {
    let text = Rows::new(path, text).text;
    let end = memchr(b'\n', text).unwrap_or(text.len());
    if text[..end].trim_ascii_end().contains(&b'\r') {
        return Err(Error::input(path, 1, files::OLD_MAC));
    }
    if text.trim_ascii_start().first() == Some(&b'>') {
        return Err(Error::input(path, 1, "this is a FASTA file; GFF3 or GTF is expected"));
    }
    Ok(())
}

/// The dialect, from the first row that shows it; GFF3 where none does.
///
/// # Errors
/// GFF2 is refused.
pub(crate) fn format(path: &Path, text: &[u8]) -> Result<Format> {
    refuse_foreign(path, text)?;
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next_line() {
        let Some(attributes) = line.split(|&b| b == b'\t').nth(8).map(<[u8]>::trim_ascii) else { continue };
        let key = attributes.split(|b| b" =;\"".contains(b)).next().unwrap_or_default();
        let after = &attributes[key.len()..];
        if after.first() == Some(&b'=') {
            return Ok(Format::Gff3);
        }
        let has = |word: &[u8]| memmem::find(attributes, word).is_some();
        if has(b"transcript_id ") || has(b"gene_id ") {
            return Ok(Format::Gtf);
        }
        if after.trim_ascii_start().first() == Some(&b'"') {
            return Err(Error::input(
                path,
                rows.line,
                "this looks like GFF2, which says nothing about genes and transcripts; \
                 convert it to GFF3 first (AGAT's agat_convert_sp_gxf2gxf.pl does)",
            ));
        }
    }
    Ok(Format::Gff3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_block_is_split_as_a_loop_does(line in "[a-c\t\u{89}]{0,20}(\t[a-c;=]{0,9}){0,10}[a-c\u{89}]{0,40}\t?") {
            let line = line.as_bytes();
            let (columns, n, rest) = columns::<8>(line);
            match eight_of_block(line) {
                Some(found) => prop_assert!(n == 8 && found == (columns, rest) && !rest.contains(&b'\t')),
                // left to the loop
                None => {
                    let tabs: Vec<usize> = memchr::memchr_iter(b'\t', line).collect();
                    prop_assert!(tabs.len() != 8 || tabs[7] >= BLOCK);
                }
            }
        }
    }
}
