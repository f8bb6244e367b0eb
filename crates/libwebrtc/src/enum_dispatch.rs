//! [`enum_dispatch!`]: forwards methods of an enum to what its variants hold.

/// Writes methods that call the method of the same name on whatever the variant holds.
///
/// ```
/// struct Tone(u32);
/// impl Tone {
///     fn pitch(&self, octave: u32) -> u32 {
///         self.0 << octave
///     }
/// }
/// enum Sound {
///     Low(Tone),
///     High(Tone),
/// }
/// impl Sound {
///     libwebrtc::enum_dispatch!(
///         [Low, High];
///         pub fn pitch(self: &Self, octave: u32) -> u32;
///     );
/// }
/// assert_eq!(Sound::Low(Tone(110)).pitch(2), 440);
/// assert_eq!(Sound::High(Tone(220)).pitch(0), 220);
/// ```
#[macro_export]
macro_rules! enum_dispatch {
    ($variants:tt; $($(#[$meta:meta])* $vis:vis fn $name:ident $args:tt -> $ret:ty;)+) => {
        $($crate::enum_dispatch!(@method $variants [$(#[$meta])* $vis] $name $args [$ret]);)+
    };
    (@method $variants:tt [$(#[$meta:meta])* $vis:vis] $name:ident
        ($this:ident : $this_ty:ty $(, $arg:ident : $arg_ty:ty)* $(,)?) [$ret:ty]) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name($this: $this_ty $(, $arg: $arg_ty)*) -> $ret {
            $crate::enum_dispatch!(@arms $variants $this $name ($($arg),*))
        }
    };
    (@arms [$($variant:ident),+ $(,)?] $this:ident $name:ident $call:tt) => {
        match $this {
            $(Self::$variant(held) => $crate::enum_dispatch!(@call held $name $call),)+
        }
    };
    (@call $held:ident $name:ident ($($arg:ident),*)) => {
        $held.$name($($arg),*)
    };
}
