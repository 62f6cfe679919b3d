//! CRC-32C (Castagnoli), reflected, as RFC 3720 section 12.1 has it, and the mask that RocksDB puts on stored ones.

const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[n][b]`: what byte `b` adds when `n` more bytes follow it (slicing by 8).
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut place = 256;
    while place < 8 * 256 {
        let before = tables[place / 256 - 1][place % 256];
        tables[place / 256][place % 256] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
        place += 1;
    }
    tables
}

/// The checksum of some bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0;
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ u64::from(crc);
        crc = 0;
        for (place, table) in TABLES.iter().rev().enumerate() {
            crc ^= table[(word >> (8 * place) & 0xff) as usize];
        }
    }
    !rest.iter().fold(crc, |crc, byte| step(crc, *byte))
}

fn step(crc: u32, byte: u8) -> u32 {
    (crc >> 8) ^ TABLES[0][((crc ^ u32::from(byte)) & 0xff) as usize]
}

/// The checksum as RocksDB stores it: one over bytes that hold checksums would be weak.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    mask(crc32c(bytes))
}

/// [`masked`] of the first byte, of the first two, and so on.
pub(super) fn masked_prefixes(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.iter().scan(!0, |crc, byte| {
        *crc = step(*crc, *byte);
        Some(mask(!*crc))
    })
}

/// `Mask` of RocksDB's `util/crc32c.h`.
fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    #[test]
    fn published_values() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn prefixes_agree_with_wholes() {
        let bytes: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(7)).collect();
        let one_by_one: Vec<u32> = (1..=bytes.len()).map(|length| masked(&bytes[..length])).collect();
        assert_eq!(masked_prefixes(&bytes).collect::<Vec<_>>(), one_by_one);
    }
}
