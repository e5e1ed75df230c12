//! The lattice against brute force.
