//! Rows as compare_intervals_exact.pl recognises them.
//!
//! The original looks at every line that has a tab and is no comment, and passes over those that
//! do not look like a GFF row with a warning. What counts as such a row is its own: nothing is
//! checked beyond the shape of the columns.

use memchr::{memchr, memmem::Finder};

use super::keys::NO_PHASE;
use crate::annotation::rows::columns;
use crate::gene::Strand;

/// One feature row with its positions as they stand in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub contig: &'a [u8],
    pub kind: &'a [u8],
    pub start: u32,
    pub end: u32,
    pub strand: Option<Strand>,
    /// 0 to 3, or [`NO_PHASE`].
    pub phase: u8,
    pub attributes: &'a [u8],
}

/// Walks over the lines that the original would look at, with their numbers.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Lines { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.text.is_empty() {
            let end = memchr(b'\n', self.text).unwrap_or(self.text.len());
            let line = &self.text[..end];
            self.text = &self.text[(end + 1).min(self.text.len())..];
            self.number += 1;
            match line.iter().find(|&&b| !is_space(b)) {
                None | Some(b'#') => {}
                Some(_) if memchr(b'\t', line).is_none() => {}
                Some(_) => return Some((self.number, line)),
            }
        }
        None
    }
}

/// What Perl's `\s` matches.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The row of a line, if it has a row's shape.
pub(super) fn row(line: &[u8]) -> Option<Row<'_>> {
    let (columns, n, rest) = columns::<7>(line);
    let [contig, source, kind, start, end, score, strand] = columns;
    let (&phase, rest) = rest.split_first()?;
    let attributes = match rest.split_first() {
        Some((b'\t', attributes)) => attributes,
        _ if rest.iter().all(|&b| is_space(b)) => &[],
        _ => return None,
    };
    let shaped = n == 7
        && !contig.is_empty()
        && !source.is_empty()
        && !kind.is_empty()
        && !score.is_empty()
        && !score.iter().any(|&b| is_space(b));
    let strand = match strand {
        b"+" => Some(Strand::Plus),
        b"-" => Some(Strand::Minus),
        b"." => None,
        _ => return None,
    };
    let phase = match phase {
        b'0'..=b'3' => phase - b'0',
        b'.' => NO_PHASE,
        _ => return None,
    };
    let (start, end) = (position(start)?, position(end)?);
    shaped.then_some(Row { contig, kind, start, end, strand, phase, attributes })
}

fn position(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |n, &digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

/// Finds `key "value";` as the original does: a blank before the key, no blank in the value, and
/// the last `";` before the next blank ends it. Empty values and `0` do not count.
pub(super) struct Value {
    key: Finder<'static>,
}

impl Value {
    /// A finder of gene IDs.
    pub(super) fn gene_id() -> Self {
        Value { key: Finder::new(b"gene_id \"") }
    }

    /// A finder of transcript IDs.
    pub(super) fn transcript_id() -> Self {
        Value { key: Finder::new(b"transcript_id \"") }
    }

    /// The value in a line.
    pub(super) fn of<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let value_at = |at: usize| {
            if !is_space(*line.get(at.checked_sub(1)?)?) {
                return None;
            }
            let value = &line[at + self.key.needle().len()..];
            let word = &value[..value.iter().position(|&b| is_space(b)).unwrap_or(value.len())];
            let close = word.windows(2).rposition(|pair| pair == b"\";").filter(|&close| close > 0)?;
            Some(&word[..close])
        };
        self.key.find_iter(line).find_map(value_at).filter(|value| *value != b"0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shape_of_a_row_counts() {
        let good: [&[u8]; 4] = [
            b"c 1\ts\tCDS\t9\t2\t.\t+\t3\tx",
            b"c\ts\tCDS\t1\t2\t0.5\t.\t.",
            b"c\ts\tCDS\t1\t2\t.\t-\t0 \r",
            b"c\ts\tCDS\t1\t2\t.\t-\t0\t",
        ];
        assert!(good.iter().all(|line| row(line).is_some()));
        let bad: [&[u8]; 7] = [
            b"c\ts\tCDS\t1\t2\t.\t?\t0\tx",
            b"c\ts\tCDS\t1\t2\t.\t+\t4\tx",
            b"c\ts\tCDS\t1\t2\t. .\t+\t0\tx",
            b"c\ts\tCDS\t1\t2\t.\t+\t0 x",
            b"c\t\tCDS\t1\t2\t.\t+\t0\tx",
            b"c\ts\tCDS\t-1\t2\t.\t+\t0\tx",
            b"c\ts\tCDS\t1\t2\t.\t+",
        ];
        assert!(bad.iter().all(|line| row(line).is_none()));
    }

    #[test]
    fn comments_blank_lines_and_lines_without_tab_are_passed_over() {
        let text = b"# c\tx\n  #\tx\n\n \t \nACGT\na\tb\nlast\tone";
        assert_eq!(Lines::new(text).map(|(n, _)| n).collect::<Vec<_>>(), [6, 7]);
    }

    #[test]
    fn values_end_at_the_last_closing_quote_before_a_blank() {
        let find = |line: &'static str| Value::gene_id().of(line.as_bytes());
        assert_eq!(find("\tgene_id \"g\";transcript_id \"t\";"), Some(&b"g"[..]));
        assert_eq!(find("\tgene_id \"g\";n \"t\";"), Some(&b"g"[..]));
        assert_eq!(find(" gene_id \"g\";n=\"t\";"), Some(&b"g\";n=\"t"[..]));
        assert_eq!(find("\tgene_id \"g\""), None);
        assert_eq!(find("\tgene_id \"a b\"; gene_id \"c\";"), Some(&b"c"[..]));
        assert_eq!(find("\tref_gene_id \"g\";"), None);
        assert_eq!(find("\tgene_id \"\";"), None);
        assert_eq!(find("\tgene_id \"0\";"), None);
    }
}
