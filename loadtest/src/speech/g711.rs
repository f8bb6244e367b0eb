//! ITU-T G.711, both laws, one sample at a time.

const MULAW_BIAS: i32 = 0x84;
const MULAW_CLIP: i32 = 32_635;

/// 16-bit linear to µ-law.
#[must_use]
pub fn mulaw_encode(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(MULAW_CLIP) + MULAW_BIAS;
    let exponent = top_bit(magnitude).saturating_sub(7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !((sign | (exponent as i32) << 4 | mantissa) as u8)
}

/// µ-law to 16-bit linear.
#[must_use]
pub fn mulaw_decode(code: u8) -> i16 {
    let code = i32::from(!code);
    let magnitude = ((((code & 0x0f) << 3) + MULAW_BIAS) << ((code >> 4) & 7)) - MULAW_BIAS;
    if code & 0x80 == 0 {
        magnitude as i16
    } else {
        -magnitude as i16
    }
}

/// 16-bit linear to A-law.
#[must_use]
pub fn alaw_encode(sample: i16) -> u8 {
    let positive = sample >= 0;
    let magnitude = if positive {
        i32::from(sample)
    } else {
        !i32::from(sample)
    };
    let code = if magnitude < 256 {
        magnitude >> 4
    } else {
        let exponent = top_bit(magnitude) - 7;
        (exponent as i32) << 4 | (magnitude >> (exponent + 3)) & 0x0f
    };
    (code as u8 | if positive { 0x80 } else { 0 }) ^ 0x55
}

/// A-law to 16-bit linear.
#[must_use]
pub fn alaw_decode(code: u8) -> i16 {
    let code = i32::from(code ^ 0x55);
    let (exponent, mantissa) = ((code >> 4) & 7, (code & 0x0f) << 4);
    let magnitude = if exponent == 0 {
        mantissa + 8
    } else {
        (mantissa + 0x108) << (exponent - 1)
    };
    if code & 0x80 == 0 {
        -magnitude as i16
    } else {
        magnitude as i16
    }
}

fn top_bit(value: i32) -> u32 {
    31 - (value.max(1) as u32).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_match_the_recommendation() {
        assert_eq!(
            (
                mulaw_encode(0),
                mulaw_encode(-1),
                mulaw_encode(32_767),
                mulaw_encode(-32_768)
            ),
            (0xff, 0x7f, 0x80, 0x00)
        );
        assert_eq!(
            (mulaw_decode(0x80), mulaw_decode(0xff), mulaw_decode(0x00)),
            (32_124, 0, -32_124)
        );
        assert_eq!(
            (
                alaw_encode(0),
                alaw_encode(-1),
                alaw_encode(32_767),
                alaw_encode(-32_768)
            ),
            (0xd5, 0x55, 0xaa, 0x2a)
        );
        assert_eq!(
            (alaw_decode(0xd5), alaw_decode(0x55), alaw_decode(0xaa)),
            (8, -8, 32_256)
        );
    }

    #[test]
    fn every_code_survives_a_round_trip() {
        for code in 0..=u8::MAX {
            assert_eq!(alaw_encode(alaw_decode(code)), code);
            // µ-law has two zeros; the negative one comes back as the positive one.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(mulaw_encode(mulaw_decode(code)), expected);
        }
    }

    #[test]
    fn the_error_stays_below_one_step() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            let bound = (i32::from(sample).abs() / 16).max(16)
                + if i32::from(sample).abs() > 32_124 {
                    700
                } else {
                    0
                };
            assert!(
                (i32::from(mulaw_decode(mulaw_encode(sample))) - i32::from(sample)).abs() <= bound,
                "{sample}"
            );
            assert!(
                (i32::from(alaw_decode(alaw_encode(sample))) - i32::from(sample)).abs() <= bound,
                "{sample}"
            );
        }
    }
}
