#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genet5_fuzz::gff(data));
