use std::fmt;

/// Rates, or milliseconds, of the same work, measured several times: the median counts, the others say how steady it was.
#[derive(Clone, Debug)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// # Panics
    /// If nothing was measured.
    pub fn new(mut measured: Vec<f64>) -> Self {
        assert!(!measured.is_empty(), "nothing was measured");
        measured.sort_by(f64::total_cmp);
        Self(measured)
    }

    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    pub fn lowest(&self) -> f64 {
        self.0[0]
    }

    fn ends(&self) -> (f64, f64) {
        (self.lowest(), self.0[self.0.len() - 1])
    }

    /// `9.31 ms (8.70 to 60.22)`
    pub fn millis(&self) -> String {
        let (low, high) = self.ends();
        format!("{:.2} ms ({low:.2} to {high:.2})", self.median())
    }
}

/// `81.2 k/s (79.0 to 82.5)`
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilo = |rate: f64| rate / 1000.0;
        let (low, high) = self.ends();
        write!(f, "{:.1} k/s ({:.1} to {:.1})", kilo(self.median()), kilo(low), kilo(high))
    }
}
