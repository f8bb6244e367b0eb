//! Patient data, guarded by type.

use std::fmt;

use zeroize::Zeroize;

/// A value that identifies or describes a patient: a name, a birth date, a phone number, a transcript.
///
/// `Debug` prints `[phi]`; there is no `Display` and no `Serialize`, so it can reach neither a log nor a wire by
/// accident. [`Phi::expose`] is the one way out, easy to find in a review.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Marks a value as patient data.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The bare value. Each call is a place that an auditor reads.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the bare value out.
    pub fn into_exposed(self) -> T {
        self.0
    }

    /// Converts the value without letting it out.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Phi<U> {
        Phi(f(self.0))
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[phi]")
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> Zeroize for Phi<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn debug_never_shows_the_value() {
        let patient = Some(Phi::new("Maria Lopez"));
        assert_eq!(format!("{patient:?}"), "Some([phi])");
    }
}
