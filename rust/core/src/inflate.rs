//! Gzip data inflated ahead of whoever takes them, on threads of their own.
//!
//! A gzip stream can only be inflated from its beginning, so there the one gain is that the taker
//! works at the same time; bgzip's blocks know their sizes and are inflated by several threads.
//! Threads are started for each file and no pool is kept, since a pool does not survive a fork.

use std::io::{Error, ErrorKind, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};

use flate2::bufread::MultiGzDecoder;
use libdeflater::Decompressor;

use crate::error::{self, Result};
use crate::interrupt;

/// Bytes of a gzip stream that are handed over at once.
const PIECE: usize = 1 << 18;
/// Compressed bytes of bgzip blocks that one thread inflates at once.
const BLOCKS: usize = 1 << 17;
/// Pieces that wait for the taker.
const AHEAD: usize = 4;

type Piece = std::io::Result<Vec<u8>>;

/// Gives the inflated content to `take`, piece by piece and in order; `path` is for messages.
///
/// # Errors
/// [`crate::Error::Input`] when the data are damaged or cut off, and what `take` says; [`crate::Error::Interrupted`].
pub(crate) fn each_piece(path: &Path, raw: &[u8], mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut take = |piece: Piece| -> Result<Vec<u8>> {
        interrupt::check()?;
        let piece = piece.map_err(|error| damaged(path, error))?;
        take(&piece).map(|()| piece)
    };
    let groups = block_groups(raw);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let taken = if groups.len() == 1 {
            let (sender, receiver) = sync_channel(AHEAD);
            let (give_back, used) = sync_channel(2 * AHEAD);
            threads.push(scope.spawn(move || stream(raw, &sender, &used)));
            // the memory is used again; nobody takes it back at the end
            receiver
                .into_iter()
                .try_for_each(|piece| take(piece).map(|piece| drop(give_back.try_send(piece))))
        } else {
            let workers = std::thread::available_parallelism().map_or(1, usize::from).min(groups.len());
            let channels: Vec<_> = (0..workers)
                .map(|worker| {
                    let (sender, receiver) = sync_channel(AHEAD);
                    let (give_back, used) = sync_channel(2 * AHEAD);
                    let mine = groups.iter().skip(worker).step_by(workers);
                    threads.push(scope.spawn(move || blocks(raw, mine, &sender, &used)));
                    (receiver, give_back)
                })
                .collect();
            channels.iter().cycle().zip(&groups).try_for_each(|((receiver, give_back), _)| {
                let piece = take(receiver.recv().unwrap_or_else(|_| Err(ErrorKind::UnexpectedEof.into())))?;
                let _ = give_back.try_send(piece);
                Ok(())
            })
        };
        // a scope does not wait for what a thread does behind its closure: nothing of it is left for a fork to find
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        taken
    })
}

/// Inflates groups of blocks, using memory again that comes back; a taker that has stopped closes the channel.
fn blocks<'a>(
    raw: &[u8],
    groups: impl Iterator<Item = &'a Range<usize>>,
    sender: &SyncSender<Piece>,
    used: &Receiver<Vec<u8>>,
) {
    let mut inflater = Decompressor::new();
    for group in groups {
        let piece = whole(&raw[group.clone()], &mut inflater, used.try_recv().unwrap_or_default());
        if sender.send(piece).is_err() {
            return;
        }
    }
}

/// Inflates all members into pieces, using memory again that comes back.
fn stream(raw: &[u8], sender: &SyncSender<Piece>, used: &Receiver<Vec<u8>>) {
    let mut stream = MultiGzDecoder::new(raw);
    loop {
        let mut piece = used.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let mut filled = 0;
        let end = loop {
            match stream.read(&mut piece[filled..]) {
                Ok(0) => break Ok(filled < PIECE),
                Ok(read) => filled += read,
                Err(error) => break Err(error),
            }
        };
        piece.truncate(filled);
        let done = !matches!(end, Ok(false));
        if sender.send(end.map(|_| piece)).is_err() || done {
            return;
        }
    }
}

/// Inflates a group of blocks, and other members behind them, into memory that is used again.
fn whole(mut raw: &[u8], inflater: &mut Decompressor, mut piece: Vec<u8>) -> Piece {
    let mut filled = 0;
    while let Some((size, content)) = block_sizes(raw) {
        // what is there already need not be zeroed
        piece.resize(piece.len().max(filled + content), 0);
        let (block, rest) = raw.split_at(size);
        let written = inflater
            .gzip_decompress(block, &mut piece[filled..filled + content])
            .map_err(|_| corrupt_block())?;
        if written != content {
            return Err(corrupt_block());
        }
        filled += content;
        raw = rest;
    }
    piece.truncate(filled);
    if !raw.is_empty() {
        MultiGzDecoder::new(raw).read_to_end(&mut piece)?;
    }
    Ok(piece)
}

/// The error of a gzip file that does not inflate.
pub(crate) fn damaged(path: &Path, error: Error) -> error::Error {
    error::Error::input(path, None, format!("damaged or cut-off gzip data ({error}); fetch the file again"))
}

fn corrupt_block() -> Error {
    Error::new(ErrorKind::InvalidData, "corrupt bgzip block")
}

/// The ranges of whole bgzip blocks that can be inflated apart; one range of everything where the
/// file is no bgzip, and everything from the first other member on in the last one.
fn block_groups(raw: &[u8]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut first, mut at) = (0, 0);
    while let Some((size, _)) = block_sizes(&raw[at..]) {
        at += size;
        if at - first >= BLOCKS {
            groups.push(first..at);
            first = at;
        }
    }
    if first < raw.len() || groups.is_empty() {
        groups.push(first..raw.len());
    }
    groups
}

/// The most bytes that a block holds (SAM specification, 4.1).
const MAX_CONTENT: usize = 1 << 16;

/// Bytes of the bgzip block at the start of `raw`, and of what it holds (SAM specification, 4.1: the extra
/// field BC); none for other members, and for blocks that are cut off or say that they hold more than they may.
fn block_sizes(raw: &[u8]) -> Option<(usize, usize)> {
    let header = raw.get(..18)?;
    let known = header.starts_with(&[0x1f, 0x8b, 8, 4]) && header[10..16] == [6, 0, b'B', b'C', 2, 0];
    let size = usize::from(u16::from_le_bytes([header[16], header[17]])) + 1;
    let block = raw.get(..size).filter(|_| known && size > 18)?;
    let content = u32::from_le_bytes(*block.last_chunk()?) as usize;
    (content <= MAX_CONTENT).then_some((size, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use flate2::write::GzEncoder;
    use flate2::Compression;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("written");
        encoder.finish().expect("finished")
    }

    /// A gzip member with bgzip's extra field.
    fn block(text: &[u8]) -> Vec<u8> {
        let mut plain = gzip(text);
        let size = (plain.len() + 8 - 1) as u16;
        plain[3] = 4;
        let extra = [6, 0, b'B', b'C', 2, 0, size as u8, (size >> 8) as u8];
        plain.splice(10..10, extra);
        plain
    }

    fn content(raw: &[u8]) -> Result<Vec<u8>> {
        let mut found = Vec::new();
        each_piece(Path::new("x.gz"), raw, |piece| {
            found.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(found)
    }

    fn text(bytes: usize) -> Vec<u8> {
        let mut random = crate::random::Random::new(&[bytes as u64]);
        (0..bytes).map(|_| b"ACGT"[random.below(4) as usize]).collect()
    }

    #[test]
    fn every_layout_gives_its_text() {
        let text = text(3_000_000);
        let blocks: Vec<u8> = text.chunks(50_000).flat_map(block).collect();
        assert!(block_groups(&blocks).len() > 1);
        let mixed: Vec<u8> = text[..1_000_000]
            .chunks(40_000)
            .flat_map(block)
            .chain(text[1_000_000..].chunks(700_000).flat_map(gzip))
            .collect();
        for raw in [gzip(&text), blocks.clone(), [blocks, block(b"")].concat(), mixed] {
            assert!(content(&raw).expect("whole") == text);
        }
        assert!(content(&block(b"")).expect("empty").is_empty());
    }

    #[test]
    fn damage_anywhere_is_an_error() {
        let text = text(2_000_000);
        let blocks: Vec<u8> = text.chunks(50_000).flat_map(block).collect();
        for whole in [gzip(&text), blocks] {
            for length in [5, 20, whole.len() / 2, whole.len() - 1] {
                assert!(matches!(content(&whole[..length]), Err(Error::Input { .. })), "cut to {length}");
            }
            for place in [whole.len() / 3, whole.len() - 6, whole.len() - 4, whole.len() - 1] {
                let mut broken = whole.clone();
                broken[place] ^= 0x55;
                assert!(content(&broken).is_err(), "broken at {place}");
            }
        }
    }

    #[test]
    fn a_taker_that_stops_stops_everything() {
        let blocks: Vec<u8> = text(4_000_000).chunks(50_000).flat_map(block).collect();
        for raw in [gzip(&text(4_000_000)), blocks] {
            let mut pieces = 0;
            let stopped = each_piece(Path::new("x.gz"), &raw, |_| {
                pieces += 1;
                Err(Error::value("enough"))
            });
            assert!(stopped.is_err() && pieces == 1);
        }
    }
}
