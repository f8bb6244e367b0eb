//! RIFF/WAVE files with 16-bit mono PCM: what `flite` writes and what recordings are kept in.

use std::path::Path;

use super::{Pcm, SpeechError};

/// A whole file as bytes.
#[must_use]
pub fn encode(pcm: &Pcm) -> Vec<u8> {
    let data_len = (pcm.samples.len() * 2) as u32;
    let mut out = Vec::with_capacity(44 + pcm.samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data_len).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes()); // PCM
    out.extend_from_slice(&1u16.to_le_bytes()); // channels
    out.extend_from_slice(&pcm.rate.to_le_bytes());
    out.extend_from_slice(&(pcm.rate * 2).to_le_bytes()); // bytes per second
    out.extend_from_slice(&2u16.to_le_bytes()); // block size
    out.extend_from_slice(&16u16.to_le_bytes()); // bits
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data_len.to_le_bytes());
    out.extend(pcm.samples.iter().flat_map(|s| s.to_le_bytes()));
    out
}

/// Reads a file's bytes. Chunks other than `fmt ` and `data` are skipped; a data chunk longer than the file is cut.
///
/// # Errors
/// [`SpeechError::Wav`] if it is not 16-bit mono PCM.
pub fn decode(bytes: &[u8]) -> Result<Pcm, SpeechError> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(SpeechError::Wav("no RIFF header"));
    }
    let (mut rest, mut rate) = (&bytes[12..], None);
    while let Some((id, body, tail)) = chunk(rest) {
        match id {
            b"fmt " => rate = Some(format(body)?),
            b"data" => {
                let rate = rate.ok_or(SpeechError::Wav("data before format"))?;
                let samples = body
                    .chunks_exact(2)
                    .map(|b| i16::from_le_bytes([b[0], b[1]]))
                    .collect();
                return Ok(Pcm { samples, rate });
            }
            _ => {}
        }
        rest = tail;
    }
    Err(SpeechError::Wav("no data chunk"))
}

/// Writes a file.
///
/// # Errors
/// [`SpeechError::File`] if it cannot be written.
pub fn write(path: &Path, pcm: &Pcm) -> Result<(), SpeechError> {
    std::fs::write(path, encode(pcm)).map_err(SpeechError::file(path))
}

/// Reads a file.
///
/// # Errors
/// [`SpeechError::File`] if it cannot be read, [`SpeechError::Wav`] as [`decode`].
pub fn read(path: &Path) -> Result<Pcm, SpeechError> {
    decode(&std::fs::read(path).map_err(SpeechError::file(path))?)
}

fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(8)?;
    let len = u32::from_le_bytes(header[4..8].try_into().ok()?) as usize;
    let body = &rest[..len.min(rest.len())];
    // Chunks are padded to even lengths.
    Some((
        &header[..4],
        body,
        rest.get(len + len % 2..).unwrap_or_default(),
    ))
}

fn format(body: &[u8]) -> Result<u32, SpeechError> {
    let field = |at: usize| {
        body.get(at..at + 2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
    };
    if (field(0), field(2), field(14)) != (Some(1), Some(1), Some(16)) {
        return Err(SpeechError::Wav("not 16-bit mono PCM"));
    }
    match (field(4), field(6)) {
        (Some(low), Some(high)) if low != 0 || high != 0 => {
            Ok(u32::from(low) | u32::from(high) << 16)
        }
        _ => Err(SpeechError::Wav("no sample rate")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives_a_round_trip() {
        let pcm = Pcm {
            samples: vec![1, -2, 32_767, -32_768],
            rate: 48_000,
        };
        assert_eq!(decode(&encode(&pcm)).expect("own file"), pcm);
    }

    #[test]
    fn other_files_are_refused() {
        for bytes in [
            &b""[..],
            b"RIFF",
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd",
            b"OggS00000000",
        ] {
            assert!(matches!(decode(bytes), Err(SpeechError::Wav(_))));
        }
    }
}
