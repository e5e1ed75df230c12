//! The gene language as text: `<stop+>700 <acceptor>521 <donor>400 <start>101 <eos>`.

use super::site::{decode_sites, Site, SiteType};
use crate::error::{Error, Result};

/// The sites as text, separated by blanks.
pub fn to_text(sites: &[Site]) -> String {
    let words: Vec<String> = sites.iter().map(Site::to_string).collect();
    words.join(" ")
}

/// Reads a complete annotation back.
///
/// # Errors
/// [`Error::Value`] naming the word that is no site, or the step that breaks the language.
pub fn parse_text(text: &str) -> Result<Vec<Site>> {
    let sites = text.split_whitespace().map(parse_site).collect::<Result<Vec<_>>>()?;
    decode_sites(&sites)?;
    Ok(sites)
}

fn parse_site(word: &str) -> Result<Site> {
    let Some((kind, number)) =
        SiteType::ALL.iter().find_map(|kind| word.strip_prefix(kind.token()).map(|rest| (*kind, rest)))
    else {
        let known: Vec<&str> = SiteType::ALL.iter().map(|kind| kind.token()).collect();
        return Err(Error::value(format!(
            "`{word}` is no site; a site begins with one of {}",
            known.join(" ")
        )));
    };
    if kind == SiteType::Eos {
        return if number.is_empty() {
            Ok(Site::EOS)
        } else {
            Err(Error::value(format!("`{word}`: <eos> has no position")))
        };
    }
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::value(format!(
            "`{word}`: {} needs a position, as in {}700",
            kind.token(),
            kind.token()
        )));
    }
    let position = number
        .parse()
        .map_err(|_| Error::value(format!("`{word}`: the position is larger than {}", i32::MAX)))?;
    Ok(Site::new(kind, position))
}
