//! Files that were a module once: cut short, with a bit turned over, or another file altogether.

use super::{Attack, Verdict};

/// Makes them of a good module.
pub fn mangled(good: &[u8]) -> Vec<Attack> {
    let refused = |says: &str| Verdict::Refused(says.to_owned());
    let mut made = vec![
        attack("bytes-header", b"\0asm".to_vec(), refused("truncated")),
        attack(
            "bytes-elf",
            [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 4_000]].concat(),
            refused("native program"),
        ),
        attack("bytes-zip", b"PK\x03\x04anything".to_vec(), refused("an archive")),
        attack("bytes-wat", b"(component)".to_vec(), refused("WebAssembly text")),
        attack("bytes-text", b"#!/bin/sh\nrm -rf /\n".to_vec(), refused("a text file")),
        attack(
            "bytes-noise",
            (0_u32..9_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
            refused(""),
        ),
    ];
    let cuts = (1..=12).map(|part| good.len() * part / 13);
    made.extend(cuts.map(|end| attack(&format!("bytes-cut-{end}"), good[..end].to_vec(), refused(""))));
    let flips = (0..16).map(|part| 8 + (good.len() - 8) * part / 16);
    made.extend(flips.map(|at| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1 << (at % 8);
        attack(&format!("bytes-flip-{at}"), bytes, Verdict::Any)
    }));
    // Components in components, deeper than anybody reads.
    let nested = (0..2_000).fold(b"\0asm\x0d\0\x01\0".to_vec(), |inner, _| {
        let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
        outer.extend(leb(inner.len()));
        outer.extend(inner);
        outer
    });
    made.push(attack("bytes-nested", nested, refused("")));
    made
}

fn attack(name: &str, bytes: Vec<u8>, verdict: Verdict) -> Attack {
    let spec = "  grant: {rules: []}\n".to_owned();
    Attack { name: name.to_owned(), bytes, spec, verdict, reached: Vec::new(), told: Vec::new(), victims: 1 }
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
