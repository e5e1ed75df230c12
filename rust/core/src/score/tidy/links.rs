//! Column 9 where all readers understand the same by it.

use memchr::memchr;

/// The attributes that decide where a row belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Links<'a> {
    pub id: Option<&'a [u8]>,
    pub parent: Option<&'a [u8]>,
}

impl<'a> Links<'a> {
    /// None where the column holds what not all readers understand alike.
    pub(super) fn read(mut text: &'a [u8]) -> Option<Self> {
        let mut links = Links::default();
        if memchr(b'\t', text).is_some() {
            return None;
        }
        while !text.is_empty() {
            let end = memchr(b';', text).unwrap_or(text.len());
            let item = &text[..end];
            text = &text[(end + 1).min(text.len())..];
            let (slot, value) = if let Some(id) = item.strip_prefix(b"ID=") {
                (&mut links.id, id)
            } else if let Some(parent) = item.strip_prefix(b"Parent=") {
                (&mut links.parent, parent)
            } else if item.starts_with(b"ID") || item.starts_with(b"Parent") {
                // blanks around the key
                return None;
            } else if item.first().is_some_and(u8::is_ascii_whitespace) || memchr(b'=', item).is_none() {
                return None;
            } else {
                continue;
            };
            if slot.is_some() {
                return None;
            }
            *slot = Some(plain(value)?);
        }
        match links.parent {
            Some(parent) if memchr(b',', parent).is_some() => None,
            _ => Some(links),
        }
    }
}

/// A value that is not empty and has neither blanks at its ends nor quotation marks around it.
fn plain(value: &[u8]) -> Option<&[u8]> {
    let (first, last) = (value.first()?, value.last()?);
    let bare = !first.is_ascii_whitespace() && !last.is_ascii_whitespace() && *first != b'"';
    bare.then_some(value)
}
