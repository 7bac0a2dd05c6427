//! Figures on their way to the reader.

use std::fmt::Display;
use std::time::Duration;

/// The middle of some figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    percentile(figures, 0.5)
}

/// The figure that this share of the others does not exceed.
pub(crate) fn percentile(figures: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    if figures.is_empty() {
        return f64::NAN;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is an index"
    )]
    let index = ((figures.len() - 1) as f64 * share).round() as usize;
    figures[index]
}

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

/// One line: what, its figure, and what is aimed at.
pub(crate) fn line(what: impl Display, figure: impl Display, aim: &str) {
    println!("  {what:<52} {figure:>14}  {aim}");
}

/// The median of the rounds' ratios, with the lowest and the highest of them.
pub(crate) fn ratios(what: impl Display, ratios: &[f64], aim: &str) {
    let middle = median(ratios.iter().copied());
    let (low, high) = (
        percentile(ratios.iter().copied(), 0.0),
        percentile(ratios.iter().copied(), 1.0),
    );
    line(
        what,
        format!("{middle:.2}"),
        &format!("({low:.2} to {high:.2}) {aim}"),
    );
}

pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
