//! Dynamic time warping of a piece of live speech onto a template, near the diagonal.

use std::ops::Range;

use super::features::{Cepstrum, SIZE};

/// A single frame costs at most this: a lost packet must not outweigh a whole word.
const WORST_FRAME: f32 = 3.2;
/// Standing still in the template, or jumping over one of its frames.
const STEP_COST: f32 = 0.35;

/// Where in a template an alignment may begin and how far it may leave the diagonal, in frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corridor {
    pub(super) start: usize,
    pub(super) slack: usize,
    pub(super) width: usize,
}

/// One live frame's place in the template and how well it fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) template: usize,
    pub(super) cost: f32,
}

/// The template frame that the last live frame fits best, with the mean cost per live frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    pub(super) cost: f32,
    pub(super) end: usize,
}

/// Difference of two means: subtracting it makes the two pieces comparable whatever the line did to the spectrum.
pub(super) fn offset(live: &[Cepstrum], template: &[Cepstrum]) -> Cepstrum {
    let (a, b) = (mean(live), mean(template));
    std::array::from_fn(|k| b[k] - a[k])
}

fn mean(frames: &[Cepstrum]) -> Cepstrum {
    let mut sum = [0.0; SIZE];
    for frame in frames {
        for (s, x) in sum.iter_mut().zip(frame) {
            *s += x;
        }
    }
    sum.map(|s| s / frames.len().max(1) as f32)
}

fn distance(a: &Cepstrum, b: &Cepstrum) -> f32 {
    let sum: f32 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
    sum.sqrt().min(WORST_FRAME)
}

/// The whole table of an alignment, one row per live frame, only the corridor's columns.
pub(super) struct Table {
    rows: Vec<Row>,
}

struct Row {
    first: usize,
    /// Accumulated cost, own cost, and the move that led here.
    cells: Vec<Cell>,
}

type Cell = (f32, f32, Move);

#[derive(Clone, Copy, PartialEq)]
enum Move {
    Begin,
    Diagonal,
    Stay,
    Skip,
}

impl Row {
    /// The cheapest way into `column` of the next row, whose cell to the left is `left`.
    fn cheapest(&self, column: usize, left: Option<&Cell>) -> (f32, Move) {
        let cost = |index: usize| self.cells.get(index).map_or(f32::INFINITY, |cell| cell.0);
        // Column `first` of this row is index 0; one less than that wraps to an index that does not exist.
        let here = column.wrapping_sub(self.first);
        let mut best = (cost(here.wrapping_sub(1)), Move::Diagonal);
        let stay = cost(here) + STEP_COST;
        if stay < best.0 {
            best = (stay, Move::Stay);
        }
        // Two template frames for one live frame: only the second is compared with it.
        if let Some((total, own, _)) = left
            && total - own + STEP_COST < best.0
        {
            best = (total - own + STEP_COST, Move::Skip);
        }
        best
    }
}

impl Table {
    /// Aligns all of `live` with the template from about `corridor.start`; the end in the template is open.
    pub(super) fn new(
        live: &[Cepstrum],
        template: &[Cepstrum],
        shift: &Cepstrum,
        corridor: Corridor,
    ) -> Self {
        let mut table = Self {
            rows: Vec::with_capacity(live.len()),
        };
        for (index, frame) in live.iter().enumerate() {
            let columns = corridor.columns(index, template.len());
            if columns.is_empty() {
                break;
            }
            let row = table.row(frame, template, shift, columns, index == 0);
            table.rows.push(row);
        }
        table
    }

    fn row(
        &self,
        frame: &Cepstrum,
        template: &[Cepstrum],
        shift: &Cepstrum,
        columns: Range<usize>,
        begin: bool,
    ) -> Row {
        let first = columns.start;
        let shifted = std::array::from_fn(|k| frame[k] + shift[k]);
        let above = self.rows.last();
        let mut cells: Vec<Cell> = Vec::with_capacity(columns.len());
        for column in columns {
            let own = distance(&shifted, &template[column]);
            let (before, how) = match above {
                Some(above) if !begin => above.cheapest(column, cells.last()),
                _ => (0.0, Move::Begin),
            };
            cells.push((before + own, own, how));
        }
        Row { first, cells }
    }

    /// The cheapest end. `None` if the template ended too early for this much live speech.
    pub(super) fn fit(&self, live_frames: usize) -> Option<Fit> {
        if self.rows.len() < live_frames {
            return None;
        }
        let row = self.rows.last()?;
        let (index, cell) = row
            .cells
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
        Some(Fit {
            cost: cell.0 / live_frames as f32,
            end: row.first + index,
        })
    }

    /// Template frame and cost of every live frame on the cheapest way to `end`.
    pub(super) fn path(&self, end: usize) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.rows.len());
        let (mut column, mut index) = (end, self.rows.len());
        while let Some(row) = index.checked_sub(1).and_then(|i| self.rows.get(i)) {
            let cell = |column: usize| column.checked_sub(row.first).and_then(|c| row.cells.get(c));
            let Some((_, own, mut how)) = cell(column).copied() else {
                break;
            };
            steps.push(Step {
                template: column,
                cost: own,
            });
            while how == Move::Skip {
                column -= 1;
                how = cell(column).map_or(Move::Begin, |c| c.2);
            }
            index -= 1;
            column = column.saturating_sub(usize::from(how == Move::Diagonal));
        }
        steps.reverse();
        steps
    }
}

impl Corridor {
    fn columns(&self, row: usize, template_len: usize) -> Range<usize> {
        let reach = if row == 0 { self.slack } else { self.width };
        let middle = self.start + row;
        middle.saturating_sub(reach).min(template_len)..(middle + reach + 1).min(template_len)
    }
}
