//! The grammar against a naive enumeration of all genes of short windows.

mod language;
mod naive;
mod proof;
