use std::fmt;

use crate::machine::Machine;

/// Which way a ratio is good.
#[derive(Clone, Copy)]
pub enum Goal {
    /// A part of what the peer does: more is better.
    Share { goal: f64, at_least: f64 },
    /// So many times what the limit costs: less is better.
    Times { goal: f64, at_most: f64 },
    /// So many KiB more than what the limit costs: less is better. The ratio is that difference.
    KibibytesMore { goal: f64, at_most: f64 },
}

/// One line of the table.
pub struct Figure {
    pub name: &'static str,
    pub what: String,
    pub measured: String,
    pub against: String,
    pub ratio: f64,
    pub goal: Goal,
}

/// What was measured so far, and what later figures need of earlier ones.
pub struct Report {
    pub machine: Machine,
    /// The median of M1 with the least stored: M2 runs at half of it.
    pub acked_sends: Option<f64>,
    /// The median of M3: M4 runs at half of it.
    pub socket_sends: Option<f64>,
    rows: Vec<String>,
    /// The names of those that could not be measured.
    failed: Vec<&'static str>,
}

impl Report {
    pub fn new(machine: Machine) -> Self {
        println!("{machine}");
        Self { machine, acked_sends: None, socket_sends: None, rows: Vec::new(), failed: Vec::new() }
    }

    /// Takes a figure, and prints it at once.
    pub fn add(&mut self, figure: Figure) {
        self.row(figure.to_string());
    }

    /// Notes why a figure could not be measured; the others do not depend on it.
    pub fn fail(&mut self, name: &'static str, why: &anyhow::Error) {
        self.row(format!("| {} | {why:#} | | | | | | **not measured** |", name.to_uppercase()));
        self.failed.push(name);
    }

    /// The figures that could not be measured.
    pub fn failed(&self) -> &[&'static str] {
        &self.failed
    }

    fn row(&mut self, row: String) {
        println!("{row}");
        self.rows.push(row);
    }
}

impl Goal {
    fn verdict(self, ratio: f64) -> &'static str {
        let (reached, passed) = match self {
            Self::Share { goal, at_least } => (ratio >= goal, ratio >= at_least),
            Self::Times { goal, at_most } | Self::KibibytesMore { goal, at_most } => (ratio <= goal, ratio <= at_most),
        };
        match (reached, passed) {
            (true, _) => "goal",
            (false, true) => "passed",
            (false, false) => "**missed**",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, measured, against, ratio, goal } = self;
        let (wanted, least, unit) = match *goal {
            Goal::Share { goal, at_least } => (goal, at_least, ""),
            Goal::Times { goal, at_most } => (goal, at_most, "x"),
            Goal::KibibytesMore { goal, at_most } => (goal, at_most, " KiB more"),
        };
        let verdict = goal.verdict(*ratio);
        write!(
            f,
            "| {name} | {what} | {measured} | {against} | {ratio:.2}{unit} | {wanted}{unit} | {least}{unit} | {verdict} |"
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What `make bench` measured\n")?;
        writeln!(
            f,
            "Written by `make bench`; edit nothing here. Figures mean something as ratios only: each one is measured"
        )?;
        writeln!(
            f,
            "against a limit or a peer in the same run. Rates are medians, in brackets the lowest and the highest."
        )?;
        writeln!(
            f,
            "A message's text has 200 bytes that do not compress. An ack comes after the sync and the fold.\n"
        )?;
        writeln!(f, "{}", self.machine)?;
        writeln!(f, "| # | figure | measured | against, in the same run | ratio | goal | at least | |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
