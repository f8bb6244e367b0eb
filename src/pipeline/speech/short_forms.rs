//! Short forms that end in a full stop, lower case and without it, by what the stop may do.

/// Always followed by what they belong to, lower case, without the stop.
pub(super) const LEADING: &[&str] = &[
    "mr", "mrs", "ms", "prof", "rev", "hon", "messrs", "e.g", "i.e", "eg", "ie", "vs", "approx",
    "ca", "incl", "mt", "gov", "sen", "fig", "esp", "vit", "drs", "sgt", "lt", "capt",
];
/// Kinds of streets: a name stands before them.
pub(super) const STREETS: &[&str] = &[
    "st", "str", "ave", "av", "blvd", "rd", "ln", "ct", "pl", "pkwy", "hwy", "sq", "ter", "cir",
    "trl", "dr",
];
/// What goes on behind a street.
pub(super) const AFTER_STREET: &[&str] = &[
    "clinic",
    "suite",
    "ste",
    "apt",
    "apartment",
    "unit",
    "floor",
    "fl",
    "room",
    "rm",
    "bldg",
    "building",
    "office",
    "campus",
    "location",
    "hospital",
    "center",
    "medical",
    "dental",
    "pharmacy",
    "station",
    "bridge",
    "exit",
    "entrance",
    "n",
    "s",
    "e",
    "w",
    "ne",
    "nw",
    "se",
    "sw",
    "north",
    "south",
    "east",
    "west",
];
/// A number or a letter follows.
pub(super) const NUMBERED: &[&str] = &[
    "ste", "apt", "rt", "rte", "rm", "bldg", "fl", "ext", "extn", "no", "nos", "tel", "ph", "fax",
    "pp", "vol", "sec", "box", "ref", "conf", "acct",
];
/// Behind a figure.
pub(super) const UNITS: &[&str] = &[
    "mi", "ft", "in", "lb", "lbs", "oz", "min", "mins", "hr", "hrs", "sec", "secs", "yr", "yrs",
    "wk", "wks", "mo", "mos", "mg", "mcg", "ml", "kg", "km", "cm", "mm", "tab", "tabs", "cap",
    "caps", "tsp", "tbsp", "yd", "yds", "gal", "pt", "qt", "cc",
];
/// Behind a name, or what a sentence may end with.
pub(super) const TRAILING: &[&str] = &[
    "jr", "sr", "inc", "ltd", "co", "corp", "esq", "ph.d", "m.d", "d.d.s", "d.m.d", "d.o", "r.n",
    "n.p", "p.a", "u.s", "u.s.a", "d.c", "b.a", "m.s", "p.o", "m.p.h", "dept", "appt", "appts",
    "est", "temp", "avg", "max", "etc",
];
/// Lower case, without the stop.
pub(super) const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];
/// Lower case, without the stop.
pub(super) const DAYS: &[&str] = &[
    "mon", "tue", "tues", "wed", "weds", "thu", "thur", "thurs", "fri", "sat", "sun",
];
/// Lower case, without the stop.
pub(super) const DAYS_AND_MONTHS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Lower case, without the stop.
pub(super) const ZONES: &[&str] = &[
    "est", "edt", "et", "cst", "cdt", "ct", "mst", "mdt", "mt", "pst", "pdt", "pt", "utc", "gmt",
    "eastern", "central", "mountain", "pacific",
];
/// Words that begin a sentence far oftener than they are a name.
pub(super) const STARTERS: &[&str] = &[
    "is", "are", "am", "was", "do", "does", "did", "can", "could", "would", "will", "shall",
    "should", "have", "has", "had", "may", "might", "what", "when", "where", "which", "who", "why",
    "how", "the", "this", "that", "there", "these", "those", "it", "it's", "its", "we", "we're",
    "i", "i'm", "i'll", "you", "you're", "they", "he", "she", "if", "please", "and", "but", "so",
    "or", "our", "your", "my", "his", "her", "their", "no", "yes", "thank", "thanks", "okay", "ok",
    "sure", "great", "good", "let", "let's", "just", "also", "for", "at", "in", "on", "from", "to",
    "then", "now", "come", "call", "bring", "take", "enter", "turn", "press", "ask", "a", "an",
    "any", "all", "after", "before", "because", "each", "every", "with", "without", "as", "by",
    "not", "right", "did", "here", "there's", "that's", "what's", "perfect", "correct", "anything",
    "parking", "see", "stay", "once", "until", "while", "since", "does", "sorry", "hello", "hi",
];

/// What follows a thing with a number: `No. 5 is next.`
pub(super) const VERBS: &[&str] = &[
    "is", "was", "has", "will", "are", "and", "or", "on", "in", "at", "to", "for", "please", "of",
    "goes", "comes", "can", "may",
];
