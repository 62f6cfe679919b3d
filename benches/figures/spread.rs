use std::fmt;

/// Rates of the same work, measured several times: the median counts, the others say how steady it was.
#[derive(Clone, Debug)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// # Panics
    /// If nothing was measured.
    pub fn new(mut rates: Vec<f64>) -> Self {
        assert!(!rates.is_empty(), "nothing was measured");
        rates.sort_by(f64::total_cmp);
        Self(rates)
    }

    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

/// `81.2 k/s (79.0 to 82.5)`
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilo = |rate: f64| rate / 1000.0;
        let (low, high) = (kilo(self.0[0]), kilo(self.0[self.0.len() - 1]));
        write!(f, "{:.1} k/s ({low:.1} to {high:.1})", kilo(self.median()))
    }
}
