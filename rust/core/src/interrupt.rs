//! Ctrl-C: one flag for the whole process, raised by whoever notices the signal and looked at by every
//! loop that can last.
//!
//! It is one flag and no parameter, because a signal is for the process, and because loops in worker
//! threads must see it too.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static RAISED: AtomicBool = AtomicBool::new(false);

/// Raised while the work under way must end early; whoever raises it lowers it when the work has ended.
pub fn flag() -> &'static AtomicBool {
    &RAISED
}

/// Ends the work under way if it must.
///
/// # Errors
/// [`Error::Interrupted`] while the flag is raised.
#[inline]
pub fn check() -> Result<()> {
    if RAISED.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    Ok(())
}
