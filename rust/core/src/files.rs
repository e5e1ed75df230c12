//! Files: open plain or compressed ones by content, write whole ones or none.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use memchr::{memchr, memchr_iter, memrchr};

use crate::error::{Error, Result};
use crate::{inflate, interrupt};

/// The bytes of a file: mapped where it is plain, inflated where it is gzip or bgzip.
#[derive(Debug)]
pub enum Bytes {
    /// A mapped plain file.
    Mapped(memmap2::Mmap),
    /// An inflated or empty file.
    Owned(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Gives the memory of a part of a mapped file back; it is there again when it is looked at.
    pub(crate) fn release(&self, part: std::ops::Range<usize>) {
        #[cfg(unix)]
        if let Bytes::Mapped(map) = self {
            // SAFETY: the map is shared with the file and never written to, so its pages come back as they were;
            // that the advice fails harms nothing
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, part.start, part.len())
            };
        }
        #[cfg(not(unix))]
        let _ = part;
    }
}

/// Whether the bytes begin like a gzip member.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The longest line of a text file: no annotation comes near it, and what does is no annotation.
pub const MAX_LINE: usize = 64 << 20;
/// What to say about a file whose first line ends in a carriage return alone, as on old Macs.
pub(crate) const OLD_MAC: &str =
    "the line ends are carriage returns alone; turn them into newlines, as with tr '\\r' '\\n'";
/// Bytes that are inflated or read from a pipe at a time.
const PIECE: usize = 1 << 18;

/// A file as it lies on the disk, or what comes out of a pipe, with its first bytes.
enum Opened {
    Whole(Bytes),
    Pipe(Vec<u8>, File),
}

/// Looks at the beginning of what comes out of a pipe; a pipe that was read before has nothing left.
fn open_pipe(path: &Path, file: File, is_pipe: bool) -> Result<Opened> {
    let mut head = Vec::new();
    (&file).take(8).read_to_end(&mut head).map_err(Error::io(path))?;
    if is_pipe && head.is_empty() {
        let message = "nothing comes out of this pipe; it is empty, or is needed a second time: write it to a file first";
        return Err(Error::input(path, None, message));
    }
    Ok(Opened::Pipe(head, file))
}

#[cfg(unix)]
fn is_pipe(about: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&about.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}

fn open(path: &Path) -> Result<Opened> {
    let file = File::open(path).map_err(Error::io(path))?;
    let about = file.metadata().map_err(Error::io(path))?;
    if !about.is_file() {
        return open_pipe(path, file, is_pipe(&about));
    }
    if about.len() == 0 {
        return Ok(Opened::Whole(Bytes::Owned(Vec::new())));
    }
    // SAFETY: the map is only read; a file cut short by someone else while we read it is a fault
    // of the same kind as a broken disk
    match unsafe { memmap2::Mmap::map(&file) } {
        Ok(map) => Ok(Opened::Whole(Bytes::Mapped(map))),
        Err(_) => open_pipe(path, file, false),
    }
}

/// Maps a file as it lies on the disk; a pipe is read to its end.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened; a folder is no file. [`Error::Input`] for a pipe that gives nothing.
pub fn map(path: &Path) -> Result<Bytes> {
    match open(path)? {
        Opened::Whole(bytes) => Ok(bytes),
        Opened::Pipe(mut bytes, mut file) => {
            file.read_to_end(&mut bytes).map_err(Error::io(path))?;
            Ok(Bytes::Owned(bytes))
        }
    }
}

/// The content of a text file or pipe, inflated (every member) when it is gzip or bgzip by content.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Input`] when the gzip data are damaged, when it is
/// compressed in another way, when a pipe gives nothing, or when a line is longer than [`MAX_LINE`].
pub fn read(path: &Path) -> Result<Bytes> {
    let opened = open(path)?;
    match opened {
        Opened::Whole(bytes) if !is_gzip(&bytes) => {
            refuse_other_archives(path, &bytes)?;
            match long_line(&bytes, MAX_LINE) {
                Some(line) => Err(too_long(path, line)),
                None => Ok(bytes),
            }
        }
        opened => {
            let (mut bytes, mut lines) = (Vec::new(), LineLimit::default());
            pieces_of(path, opened, |piece| {
                if lines.is_broken_by(piece) {
                    return Err(too_long(path, lines.line));
                }
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            Ok(Bytes::Owned(bytes))
        }
    }
}

/// Hands the content of a file or pipe on piece by piece, inflated when it is gzip or bgzip by
/// content; a plain file comes in one piece.
///
/// # Errors
/// As [`read`], lines of any length excepted, or whatever `take` returns; [`Error::Interrupted`].
pub fn pieces(path: &Path, take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    pieces_of(path, open(path)?, take)
}

/// Hands the bytes of a file on, inflated piece by piece when they are gzip or bgzip.
///
/// # Errors
/// As [`pieces`].
pub fn unpack(path: &Path, bytes: &[u8], mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    if is_gzip(bytes) {
        return inflate::each_piece(path, bytes, take);
    }
    refuse_other_archives(path, bytes)?;
    take(bytes)
}

fn pieces_of(path: &Path, opened: Opened, take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let (head, file) = match opened {
        Opened::Whole(bytes) => return unpack(path, &bytes, take),
        Opened::Pipe(head, file) => (head, file),
    };
    let (packed, plain) = (is_gzip(&head), |path: &Path, error| Error::io(path)(error));
    refuse_other_archives(path, &head)?;
    let whole = std::io::Cursor::new(head).chain(file);
    match packed {
        true => stream(path, MultiGzDecoder::new(BufReader::new(whole)), inflate::damaged, take),
        false => stream(path, whole, plain, take),
    }
}

/// Reads to the end in full pieces.
fn stream(
    path: &Path,
    mut from: impl Read,
    complain: fn(&Path, std::io::Error) -> Error,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        interrupt::check()?;
        piece.clear();
        let end = from.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        if let Err(error) = end {
            return Err(complain(path, error));
        }
        if piece.is_empty() {
            return Ok(());
        }
        take(&piece)?;
    }
}

/// Refuses what is compressed in a way that is not read here.
fn refuse_other_archives(path: &Path, head: &[u8]) -> Result<()> {
    let known: [(&[u8], &str); 4] =
        [(b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"PK\x03\x04", "zip"), (b"\x28\xb5\x2f\xfd", "zstd")];
    match known.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, name)) => Err(Error::input(
            path,
            None,
            format!("is compressed with {name}; only plain, gzip and bgzip files are read: unpack it first"),
        )),
        None => Ok(()),
    }
}

fn too_long(path: &Path, line: u64) -> Error {
    let limit = MAX_LINE >> 20;
    Error::input(
        path,
        line,
        format!("a line longer than {limit} MiB; this is no annotation, or its line ends are lost"),
    )
}

/// The number of the first line that is longer than `limit`.
fn long_line(text: &[u8], limit: usize) -> Option<u64> {
    // a line that long covers one of these blocks whole, so most blocks are left at their first line end
    let block = limit / 2;
    let mut at = 0;
    while at + block <= text.len() {
        if memchr(b'\n', &text[at..at + block]).is_none() {
            let start = memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
            if end - start > limit {
                return Some(1 + memchr_iter(b'\n', &text[..start]).count() as u64);
            }
        }
        at += block;
    }
    None
}

/// Watches the lines of a text that comes in pieces.
#[derive(Default)]
struct LineLimit {
    /// Lines that ended before the one under way, and its bytes so far.
    line: u64,
    length: usize,
}

impl LineLimit {
    /// Takes the next piece, shorter than a line may be; whether a line is too long, which `line` numbers.
    fn is_broken_by(&mut self, piece: &[u8]) -> bool {
        let first = memchr(b'\n', piece).unwrap_or(piece.len());
        if self.length + first > MAX_LINE {
            self.line += 1;
            return true;
        }
        match memrchr(b'\n', piece) {
            Some(last) => {
                self.line += memchr_iter(b'\n', piece).count() as u64;
                self.length = piece.len() - last - 1;
            }
            None => self.length += piece.len(),
        }
        false
    }
}

/// Writes a file under a temporary name in its folder and renames it when `fill` has succeeded.
///
/// # Errors
/// [`Error::Io`] of the file system, or whatever `fill` returns; nothing is left behind then.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let mut pending = Pending::create(path)?;
    fill(&mut pending.out)?;
    pending.commit()
}

/// A file under a temporary name in its folder: [`Self::commit`] gives it its name; dropped
/// before that, it is removed.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    temporary: PathBuf,
    /// Where to write.
    pub out: BufWriter<File>,
    committed: bool,
}

impl Pending {
    /// Opens the temporary file.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder does not allow it.
    pub fn create(path: &Path) -> Result<Self> {
        let temporary = temporary_name(path);
        let file = File::create(&temporary).map_err(Error::io(path))?;
        let out = BufWriter::with_capacity(1 << 16, file);
        Ok(Pending { path: path.to_path_buf(), temporary, out, committed: false })
    }

    /// Renames the whole file.
    ///
    /// # Errors
    /// [`Error::Io`] of the file system; the file is removed then.
    pub fn commit(mut self) -> Result<()> {
        self.out.flush().map_err(Error::io(&self.path))?;
        fs::rename(&self.temporary, &self.path).map_err(Error::io(&self.path))?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_longest_line_is_found(lengths in prop::collection::vec(0usize..30, 0..12), limit in 2usize..20) {
            let text: Vec<u8> = lengths.iter().flat_map(|&n| [vec![b'x'; n], vec![b'\n']].concat()).collect();
            let expected = lengths.iter().position(|&n| n > limit).map(|i| i as u64 + 1);
            prop_assert_eq!(long_line(&text, limit), expected);
            prop_assert_eq!(long_line(text.strip_suffix(b"\n").unwrap_or(&text), limit), expected);
        }
    }

    #[test]
    fn lines_are_watched_over_pieces() {
        let mut lines = LineLimit::default();
        assert!(!lines.is_broken_by(b"a\nb\nccc"));
        for _ in 0..MAX_LINE / PIECE - 1 {
            assert!(!lines.is_broken_by(&[b'c'; PIECE]));
        }
        assert!(!lines.is_broken_by(&[b'c'; PIECE - 3]));
        assert!(lines.is_broken_by(b"c\n"));
        assert_eq!(lines.line, 3);
    }

    #[test]
    fn other_archives_are_named() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x");
        fs::write(&path, b"BZh91AY&SY").expect("written");
        assert!(read(&path).expect_err("refused").to_string().contains("bzip2"));
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("out");
        assert!(write_atomic(&path, |_| Err(Error::value("no"))).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("listing").count(), 0);
        write_atomic(&path, |out| out.write_all(b"x").map_err(Error::io("out"))).expect("written");
        assert_eq!(fs::read(&path).expect("content"), b"x");
        assert_eq!(fs::read_dir(folder.path()).expect("listing").count(), 1);
    }
}
