//! What the documents say must be there. That ERRORS.md, CONFIGURATION.md and the catalogue of the topics equal their
//! tables is checked beside those tables.

use std::path::Path;

use super::source::{File, Finding, programs};
use super::{check, planted, tree};

fn documents() -> impl Iterator<Item = File> {
    tree().into_iter().filter(|file| file.path.ends_with(".md"))
}

fn makefile_targets() -> Vec<String> {
    let makefile = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).unwrap();
    let target = |line: &str| line.split_once(':').map(|(name, _)| name.to_owned());
    makefile.lines().filter(|line| line.contains("## ")).filter_map(target).collect()
}

/// The commands of a program, from the files that hold them.
fn commands() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let name = |path: std::path::PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    std::fs::read_dir(folder).unwrap().filter_map(|entry| name(entry.unwrap().path())).collect()
}

/// A command in a document is pasted; one that does not exist costs a newcomer's trust.
fn names_only_commands_that_exist(file: &File) -> Vec<Finding> {
    let (targets, commands) = (makefile_targets(), commands());
    file.each_line(|line| {
        let target = words_after(line, "make ").find(|name| !targets.contains(name)).map(|name| format!("make {name}"));
        let command =
            words_after(line, "duolog ").find(|name| !commands.contains(name)).map(|name| format!("duolog {name}"));
        target.or(command).map(|command| format!("there is no `{command}`"))
    })
}

/// The words that follow a program's name where it stands as a command: at the start of code, or of a line of code.
fn words_after<'a>(line: &'a str, program: &'a str) -> impl Iterator<Item = String> + 'a {
    let begins = |at: usize| at == 0 || line[..at].ends_with(['`', '/', '$']) || line[..at].trim().is_empty();
    let is_code = line.contains('`') || line.starts_with("    ") || line.starts_with("./") || line.starts_with(program);
    line.match_indices(program).filter(move |(at, _)| is_code && begins(*at)).filter_map(move |(at, _)| {
        let rest = &line[at + program.len()..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    })
}

/// A link into the repository that leads nowhere.
fn links_lead_somewhere(file: &File) -> Vec<Finding> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join(&file.path).parent().map(Path::to_owned).unwrap_or_default();
    file.each_line(|line| {
        let targets = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split([')', '#']).next());
        let mut lost = targets.filter(|to| !to.is_empty() && !to.contains("://") && !folder.join(to).exists());
        lost.next().map(|to| format!("the link to {to} leads nowhere"))
    })
}

/// Whoever watches a number that nobody counts is told that all is well.
fn names_only_metrics_that_exist(file: &File, program: &str) -> Vec<Finding> {
    file.each_line(|line| {
        let mut unknown = metrics(line, '`').filter(|name| !program.contains(&format!("\"{name}\"")));
        unknown.next().map(|name| format!("nothing counts {name}"))
    })
}

/// A number without a line in the table is known only to whoever counts it.
fn counts_only_what_the_table_has(file: &File, table: &[String]) -> Vec<Finding> {
    file.each_line(|line| {
        let mut unknown = metrics(line, '"').filter(|name| !table.contains(name));
        unknown.next().map(|name| format!("{name} has no line in the table of docs/OPERATING.md"))
    })
}

/// The names of metrics that stand behind this quotation mark.
fn metrics(line: &str, quote: char) -> impl Iterator<Item = String> {
    line.match_indices("duolog_").filter(move |(at, _)| line[..*at].ends_with(quote)).map(move |(at, _)| {
        let name = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
        line[at..].chars().take_while(name).collect()
    })
}

/// The metrics that have a line of their own below the heading of the table.
fn table_of_metrics() -> Vec<String> {
    let page = documents().find(|file| file.path == "docs/OPERATING.md").expect("it is there");
    let below = page.text.lines().skip_while(|line| *line != "# Metrics");
    below.filter(|line| line.starts_with("| `duolog_")).filter_map(|line| metrics(line, '`').next()).collect()
}

#[test]
fn documents_name_only_metrics_that_exist() {
    // What only the table of descriptions names, nobody counts.
    let counting = programs().filter(|file| file.path != "src/telemetry/metrics.rs");
    let program: String = counting.map(|file| file.text).collect();
    let rule = |file: &File| names_only_metrics_that_exist(file, &program);
    check(documents().filter(|file| file.path.starts_with("docs/")), rule);
    planted(
        rule,
        "docs/X.md",
        "`duolog_append_records`, `duolog_append_record{a}`\n`duolog_append_records{a}`\n",
        &[1],
    );
}

/// Together with the test above, which reads the table too: what is counted and what stands in it is the same.
#[test]
fn every_metric_has_one_line_in_the_table() {
    let table = table_of_metrics();
    assert!(table.is_sorted_by(|one, next| one < next), "in their order, and none twice: {table:?}");
    let rule = |file: &File| counts_only_what_the_table_has(file, &table);
    check(programs().filter(|file| file.path.starts_with("src/")), rule);
    planted(
        rule,
        "src/x.rs",
        "counter!(\"duolog_append_records\");\nconst LOST: &str = \"duolog_lost_total\";\n",
        &[2],
    );
}

#[test]
fn documents_name_only_commands_that_exist() {
    let ours = ["README.md", "CHANGELOG.md"];
    check(documents().filter(|file| ours.contains(&&*file.path)), names_only_commands_that_exist);
    let text =
        "Type `make run`, then `make coffee`.\n\n    ./duolog chat alice\n    ./duolog sing\nto make some sense\n";
    planted(names_only_commands_that_exist, "README.md", text, &[1, 4]);
}

#[test]
fn links_of_documents_lead_somewhere() {
    check(documents(), links_lead_somewhere);
    planted(links_lead_somewhere, "README.md", "[a](docs/ERRORS.md) [b](https://x)\n[c](docs/NO.md#x)\n", &[2]);
}
