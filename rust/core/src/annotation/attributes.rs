//! Column 9, both dialects.

use memchr::memchr;

/// The attributes that matter, as they stand in the file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attributes<'a> {
    pub id: Option<&'a [u8]>,
    pub parent: Option<&'a [u8]>,
    pub derives_from: Option<&'a [u8]>,
    pub gene_id: Option<&'a [u8]>,
    pub transcript_id: Option<&'a [u8]>,
    pub exception: Option<&'a [u8]>,
    /// GeneMark's and Prodigal's two digits, left and right end.
    pub partial: Option<&'a [u8]>,
    /// The left end is open (`start_range=.,…`).
    pub open_left: bool,
    /// The right end is open (`end_range=…,.`).
    pub open_right: bool,
    /// GENCODE's tags.
    pub start_not_found: bool,
    pub end_not_found: bool,
    pub pseudo: bool,
    pub circular: bool,
    /// Part of a feature that lies in several places (`part=1/2`).
    pub part: bool,
    /// Items without a value.
    pub bare: u32,
    /// A quoted value runs to the end of the line.
    pub unclosed: bool,
}

impl<'a> Attributes<'a> {
    /// Reads `key=value;…`; a lone bare word is taken for the ID.
    pub(crate) fn gff3(mut text: &'a [u8]) -> Self {
        let mut found = Attributes::default();
        let whole = text;
        while !text.is_empty() {
            let end = memchr(b';', text).unwrap_or(text.len());
            let item = &text[..end];
            text = &text[(end + 1).min(text.len())..];
            if let Some(value) = item.strip_prefix(b"ID=") {
                found.id = filled(value.trim_ascii());
                continue;
            }
            if let Some(value) = item.strip_prefix(b"Parent=") {
                found.parent = filled(value.trim_ascii());
                continue;
            }
            let item = item.trim_ascii();
            // keys are short
            match item.iter().position(|&b| b == b'=') {
                Some(at) => found.set(item[..at].trim_ascii_end(), item[at + 1..].trim_ascii_start()),
                None if item.is_empty() || item == b"." => {}
                None if item == b"pseudo" => found.pseudo = true,
                None => found.bare += 1,
            }
        }
        if found.bare == 1 && memchr(b'=', whole).is_none() {
            let word = whole.split(|&b| b == b';').map(<[u8]>::trim_ascii).find(|w| !w.is_empty());
            found.id = word;
        }
        found
    }

    /// Reads `key "value"; …`; quoted text is opaque. A lone bare word is taken for the ID.
    pub(crate) fn gtf(text: &'a [u8]) -> Self {
        let mut found = Attributes::default();
        let mut rest = text.trim_ascii();
        while !rest.is_empty() {
            let end = rest.iter().position(|b| b" \t;\"".contains(b)).unwrap_or(rest.len());
            let key = &rest[..end];
            rest = rest[end..].trim_ascii_start();
            let value;
            if let Some(quoted) = rest.strip_prefix(b"\"") {
                let close = memchr(b'"', quoted).unwrap_or(quoted.len());
                found.unclosed |= close == quoted.len();
                value = Some(&quoted[..close]);
                rest = &quoted[(close + 1).min(quoted.len())..];
                rest = &rest[memchr(b';', rest).unwrap_or(rest.len())..];
            } else {
                let stop = memchr(b';', rest).unwrap_or(rest.len());
                value = (stop > 0).then(|| rest[..stop].trim_ascii());
                rest = &rest[stop..];
            }
            rest = rest.strip_prefix(b";").unwrap_or(rest).trim_ascii_start();
            match value {
                Some(value) => found.set(key, value),
                None if key.is_empty() => {}
                None => {
                    found.bare += 1;
                    found.id = Some(key);
                }
            }
        }
        found
    }

    fn set(&mut self, key: &[u8], value: &'a [u8]) {
        let value_of = filled(value);
        let is_true = value.eq_ignore_ascii_case(b"true");
        match key {
            b"ID" => self.id = value_of,
            b"Parent" => self.parent = value_of,
            b"Derives_from" => self.derives_from = value_of,
            b"gene_id" | b"geneID" => self.gene_id = value_of,
            b"transcript_id" => self.transcript_id = value_of,
            b"exception" => self.exception = value_of,
            b"partial" => self.partial = value_of,
            b"start_range" => self.open_left |= value.starts_with(b"."),
            b"end_range" => self.open_right |= value.ends_with(b"."),
            b"tag" => {
                for tag in value.split(|&b| b == b',') {
                    self.start_not_found |= tag == b"cds_start_NF";
                    self.end_not_found |= tag == b"cds_end_NF";
                }
            }
            b"pseudo" => self.pseudo |= is_true,
            b"gene_biotype" | b"gene_type" | b"biotype" => {
                self.pseudo |= memchr::memmem::find(value, b"pseudogene").is_some();
            }
            b"Is_circular" => self.circular |= is_true,
            b"part" => self.part = true,
            _ => {}
        }
    }

    /// Whether anything is said about completeness or exceptions.
    pub(crate) fn says_something(&self) -> bool {
        let (left, right) = self.open_ends();
        left || right || self.start_not_found || self.end_not_found || self.exception.is_some()
    }

    /// Whether the left and the right end are open.
    pub(crate) fn open_ends(&self) -> (bool, bool) {
        let digit = |i: usize| {
            self.partial.is_some_and(|p| p.len() == 2 && p.iter().all(u8::is_ascii_digit) && p[i] == b'1')
        };
        (self.open_left || digit(0), self.open_right || digit(1))
    }
}

/// A value that is not empty.
fn filled(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty()).then_some(value)
}

/// `ID` and `Parent` of GFF3 attributes; stops reading when it has both.
pub(crate) fn id_and_parent(mut text: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let (mut id, mut parent) = (None, None);
    while !text.is_empty() && (id.is_none() || parent.is_none()) {
        let end = memchr(b';', text).unwrap_or(text.len());
        let item = text[..end].trim_ascii();
        text = &text[(end + 1).min(text.len())..];
        if let Some(value) = item.strip_prefix(b"ID=") {
            id = id.or(Some(value).filter(|v| !v.is_empty()));
        } else if let Some(value) = item.strip_prefix(b"Parent=") {
            parent = parent.or(Some(value).filter(|v| !v.is_empty()));
        }
    }
    (id, parent)
}

/// The items of a comma-separated value, empty ones left out.
pub(crate) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// Text with `%XX` decoded and nothing else.
pub(crate) fn decode(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(plain) if memchr(b'%', text).is_none() => plain.to_owned(),
        _ => String::from_utf8_lossy(&decode_bytes(text)).into_owned(),
    }
}

fn decode_bytes(text: &[u8]) -> Vec<u8> {
    let digit = |i: usize| text.get(i).and_then(|&b| (b as char).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        match (text[i], digit(i + 1), digit(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            (byte, ..) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_percent_escapes_are_decoded() {
        assert_eq!(decode(b"a+b%2Cc%3b%zz%2"), "a+b,c;%zz%2");
    }

    #[test]
    fn gff3_survives_odd_items() {
        let found = Attributes::gff3(b"ID=;Parent=X,;Lack 3'-end; foo==bar;pseudo");
        assert_eq!((found.id, found.parent, found.bare, found.pseudo), (None, Some(&b"X,"[..]), 1, true));
        assert_eq!(items(b"X,").collect::<Vec<_>>(), [b"X"]);
        assert_eq!(Attributes::gff3(b"geneA").id, Some(&b"geneA"[..]));
        assert_eq!(Attributes::gff3(b".").id, None);
        assert_eq!(id_and_parent(b"Name=n; Parent=p,q;ID=i;ID=j"), (Some(&b"i"[..]), Some(&b"p,q"[..])));
        assert_eq!(id_and_parent(b"ID=;Parents=p"), (None, None));
    }

    #[test]
    fn gtf_quotes_are_opaque() {
        let found =
            Attributes::gtf(b"gene_id \"a;b\"; transcript_id \"x [y]|z\";tag \"cds_end_NF\" ; level 2");
        assert_eq!(found.gene_id, Some(&b"a;b"[..]));
        assert_eq!(found.transcript_id, Some(&b"x [y]|z"[..]));
        assert!(found.end_not_found && !found.start_not_found);
        assert_eq!(Attributes::gtf(b"g1.t1").id, Some(&b"g1.t1"[..]));
        assert_eq!(Attributes::gtf(b"transcript_id \"\"; gene_id \"g\"").transcript_id, None);
    }
}
