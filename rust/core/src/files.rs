//! Files: open plain or compressed ones by content, write whole ones or none.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::inflate;

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

/// Whether the bytes begin like a gzip member.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Maps a file as it lies on the disk.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened; a folder is no file.
pub fn map(path: &Path) -> Result<Bytes> {
    let file = File::open(path).map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    if length == 0 {
        return Ok(Bytes::Owned(Vec::new()));
    }
    // SAFETY: the map is only read; a file cut short by someone else while we read it is a fault
    // of the same kind as a broken disk
    match unsafe { memmap2::Mmap::map(&file) } {
        Ok(map) => Ok(Bytes::Mapped(map)),
        // a pipe or special file has nothing to map
        Err(_) => {
            let mut bytes = Vec::new();
            (&file).read_to_end(&mut bytes).map_err(Error::io(path))?;
            Ok(Bytes::Owned(bytes))
        }
    }
}

/// The content of a file, inflated (every member) when it is gzip or bgzip by content.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Input`] when the gzip data are damaged.
pub fn read(path: &Path) -> Result<Bytes> {
    let raw = map(path)?;
    if !is_gzip(&raw) {
        return Ok(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len().saturating_mul(4));
    inflate::each_piece(path, &raw, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(Bytes::Owned(bytes))
}

/// The error of a gzip file that does not inflate.
pub fn damaged(path: &Path, error: &std::io::Error) -> Error {
    Error::input(path, None, format!("damaged or cut-off gzip data ({error}); fetch the file again"))
}

/// Writes a file under a temporary name in its folder and renames it when `fill` has succeeded.
///
/// # Errors
/// [`Error::Io`] of the file system, or whatever `fill` returns; nothing is left behind then.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let temporary = temporary_name(path);
    let result = (|| {
        let file = File::create(&temporary).map_err(Error::io(path))?;
        let mut out = BufWriter::with_capacity(1 << 16, file);
        fill(&mut out)?;
        out.flush().map_err(Error::io(path))?;
        fs::rename(&temporary, path).map_err(Error::io(path))
    })();
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
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
