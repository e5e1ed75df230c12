//! Bytes objects that the core writes into, so that a genome is not copied on its way to Python.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// From this size on the system is asked for huge pages: most of the time that large objects take is
/// spent on getting small ones (measured on a genome of 100 Mb: 60 of 90 ms).
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;
/// The size of a page; where it is another one, the system refuses the advice and nothing is lost.
#[cfg(target_os = "linux")]
const PAGE: usize = 4096;

/// New bytes of that length, as `fill` leaves them; it runs without the GIL and is given zeros.
pub fn filled<'py>(
    py: Python<'py>,
    length: usize,
    fill: impl FnOnce(&mut [u8]) + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    let size = ffi::Py_ssize_t::try_from(length)?;
    // SAFETY: a null pointer asks for bytes of that size, which a failure returns as null, too
    let object =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), size))? };
    // SAFETY: the object is a bytes object, made above
    let start = unsafe { ffi::PyBytes_AsString(object.as_ptr()) }.cast::<u8>();
    advise(start, length);
    // SAFETY: the object has `length` bytes from `start` on, no one else has seen it yet, so it may be
    // written to, and it is zeroed before it is a slice
    let content = unsafe {
        start.write_bytes(0, length);
        std::slice::from_raw_parts_mut(start, length)
    };
    py.detach(|| fill(content));
    Ok(object.cast_into::<PyBytes>()?)
}

/// Asks for huge pages; neighbours in memory, advised alike, share them.
#[cfg(target_os = "linux")]
fn advise(start: *mut u8, length: usize) {
    if length >= LARGE {
        let skip = start.align_offset(PAGE).min(length);
        // SAFETY: the range lies inside the object's memory; advice changes no content, and it does not
        // matter whether it is taken
        unsafe { libc::madvise(start.add(skip).cast(), length - skip, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _length: usize) {}
