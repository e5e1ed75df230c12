//! The grammar against a naive enumeration of all genes of short windows.

mod by_base;
mod language;
mod naive;
mod proof;
