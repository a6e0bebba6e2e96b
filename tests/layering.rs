//! The import law: which room may use which, and the things that have one home only.
//!
//! Inside one crate the compiler does not hold direction, so this test reads the sources.
//! It looks at code, not at comments, and sees `use` trees (nested braces included), inline
//! paths (`crate::store::x()`) and `super::` steps that leave a room. The rules are the tables
//! below; a failure names file, line and rule. `layering/tests.rs` proves that violations are
//! found at all.
//!
//! Code under `#[cfg(test)]` may also use rooms of its own level, for fixtures, and is free of
//! the length limit and of the rules about homes.

#[path = "layering/scanner.rs"]
mod scanner;
#[path = "layering/tests.rs"]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use scanner::Source;

struct Room {
    name: &'static str,
    level: i8,
    /// Lower rooms that it may not use all the same.
    except: &'static [&'static str],
}

const fn room(name: &'static str, level: i8, except: &'static [&'static str]) -> Room {
    Room {
        name,
        level,
        except,
    }
}

/// Everything lower is allowed, nothing of the same level or higher, but for the exceptions.
const ROOMS: &[Room] = &[
    // Below everything: what threads meet on, which `models/` puts another in the place of.
    room("sync", -1, &[]),
    room("domain", 0, &[]),
    room("query", 0, &[]),
    room("net", 1, &[]),
    room("telemetry", 1, &[]),
    room("tasks", 1, &[]),
    room("store", 1, &[]),
    room("sessions", 2, &[]),
    room("authn", 3, &[]),
    room("layer", 4, &[]),
    room("admin", 4, &[]),
    room("proxy", 5, &["admin"]),
    room("app", 6, &[]),
    room("config", 7, &[]),
    room("bin", 8, &[]),
];

/// Folders of one room that may not know each other: the dialects of the side port.
const STRANGERS: &[(&str, &str, &str)] = &[("admin", "octane", "qps"), ("admin", "qps", "octane")];

/// The longest file, in lines, tests not counted.
const MAX_LINES: usize = 400;

/// A thing that may not stand just anywhere.
struct Homed {
    wanted: Wanted,
    place: Place,
    rule: &'static str,
}

enum Wanted {
    /// A path that begins with these segments.
    PathFrom(&'static [&'static str]),
    /// This word, wherever it stands in the code.
    Word(&'static str),
    /// A string literal that contains this, in any case.
    Text(&'static str),
}

enum Place {
    /// Only in files whose names begin with one of these.
    Only(&'static [&'static str]),
    /// Nowhere in these rooms.
    NeverIn(&'static [&'static str]),
}

const COOKIE_RULE: &str =
    "cookies are written in layer/cookie.rs, those of the Octane dialect in its cookie.rs";
/// The side port may not use the layer, and the dialect's clients want other cookies than the
/// gateway's own: so there are two homes, one for each.
const COOKIE_HOME: Place = Place::Only(&["src/layer/cookie.rs", "src/admin/octane/cookie.rs"]);
/// The home, and the lists that name the header in order to refuse it. This only shrinks.
const COOKIE_NAMED: Place = Place::Only(&[
    "src/layer/cookie.rs",
    "src/config/check/header_name.rs",
    "src/net/strict_h1/trailer.rs",
    "src/proxy/headers/hop_by_hop.rs",
    "src/proxy/headers/identity.rs",
]);
const TLS_RULE: &str = "TLS lives in net, and in authn/jwt for fetching keys";
const TLS_HOMES: Place = Place::Only(&["src/net/", "src/authn/jwt"]);
const WIRE_RULE: &str = "domain and sessions have no wire format";
const WIRELESS: Place = Place::NeverIn(&["domain", "sessions"]);
const SYNC_RULE: &str = "what sessions meet on comes from sync, so that the models can schedule it";
const MODELLED: Place = Place::NeverIn(&["sessions"]);

const HOMES: &[Homed] = &[
    Homed {
        wanted: Wanted::PathFrom(&["hyper", "upgrade"]),
        place: Place::Only(&["src/proxy/upgrade"]),
        rule: "upgrades live in proxy/upgrade only",
    },
    Homed {
        wanted: Wanted::Word("SET_COOKIE"),
        place: COOKIE_HOME,
        rule: COOKIE_RULE,
    },
    Homed {
        wanted: Wanted::Text("set-cookie"),
        place: COOKIE_NAMED,
        rule: COOKIE_RULE,
    },
    Homed {
        wanted: Wanted::Word("StatusCode"),
        place: Place::NeverIn(&[
            "domain",
            "query",
            "net",
            "telemetry",
            "tasks",
            "store",
            "sessions",
            "authn",
        ]),
        rule: "a status is chosen in layer or above it",
    },
    Homed {
        wanted: Wanted::PathFrom(&["rustls"]),
        place: TLS_HOMES,
        rule: TLS_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["tokio_rustls"]),
        place: TLS_HOMES,
        rule: TLS_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["hyper_rustls"]),
        place: TLS_HOMES,
        rule: TLS_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["dashmap"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["std", "sync", "Mutex"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["std", "sync", "RwLock"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["std", "sync", "OnceLock"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["std", "sync", "Condvar"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["std", "sync", "atomic"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["tokio", "spawn"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::PathFrom(&["tokio", "task"]),
        place: MODELLED,
        rule: SYNC_RULE,
    },
    Homed {
        wanted: Wanted::Word("Serialize"),
        place: WIRELESS,
        rule: WIRE_RULE,
    },
    Homed {
        wanted: Wanted::Word("Deserialize"),
        place: WIRELESS,
        rule: WIRE_RULE,
    },
];

#[test]
fn imports_point_down() {
    check_tree(imports);
}

#[test]
fn nothing_climbs_by_super_super() {
    check_tree(climbing);
}

#[test]
fn files_stay_short() {
    check_tree(length);
}

#[test]
fn things_with_a_home_stay_there() {
    check_tree(homes);
}

#[test]
fn the_dialects_are_strangers() {
    check_tree(strangers);
}

/// What is wrong, and where.
#[derive(Debug)]
struct Violation {
    file: String,
    line: usize,
    rule: String,
}

impl Violation {
    fn new(file: &Source, line: usize, rule: impl Into<String>) -> Self {
        Self {
            file: file.name.clone(),
            line,
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.rule)
    }
}

fn imports(file: &Source) -> Vec<Violation> {
    let Some(name) = file.room() else {
        // lib.rs is the front page and points everywhere.
        let stray = (file.name != "src/lib.rs").then_some("a file outside every room");
        return stray
            .map(|rule| Violation::new(file, 1, rule))
            .into_iter()
            .collect();
    };
    let Some(from) = ROOMS.iter().find(|room| room.name == name) else {
        let rule = format!("room `{name}` has no level in tests/layering.rs");
        return vec![Violation::new(file, 1, rule)];
    };
    let aliases = file.aliases_of_the_crate().into_iter();
    let rule = "another name for the crate hides what is imported";
    let mut found: Vec<_> = aliases
        .map(|line| Violation::new(file, line, rule))
        .collect();
    for path in &file.paths {
        let Some(target) = file.room_named_by(path) else {
            continue;
        };
        let rule = match ROOMS.iter().find(|room| room.name == target) {
            _ if target == from.name => continue,
            // The binary is a user of the crate, and users take what lib.rs re-exports.
            None if from.name == "bin" => continue,
            None => format!("`{path}` names no room; name the one it comes from"),
            Some(to) if allowed(from, to, path.in_test) => continue,
            Some(to) => format!(
                "`{path}`: {} (level {}) may not use {} (level {})",
                from.name, from.level, to.name, to.level
            ),
        };
        found.push(Violation::new(file, path.line, rule));
    }
    found
}

fn allowed(from: &Room, to: &Room, in_test: bool) -> bool {
    let below = if in_test { from.level + 1 } else { from.level };
    to.level < below && !from.except.contains(&to.name)
}

fn climbing(file: &Source) -> Vec<Violation> {
    let climbs = file
        .paths
        .iter()
        .filter(|path| path.segments.windows(2).any(|two| two == ["super"; 2]));
    climbs
        .map(|path| Violation::new(file, path.line, format!("`{path}`: say it from `crate`")))
        .collect()
}

fn length(file: &Source) -> Vec<Violation> {
    let lines = file.lines_without_tests();
    if lines <= MAX_LINES {
        return vec![];
    }
    let rule = format!("{lines} lines without tests, {MAX_LINES} at most: split it by concept");
    vec![Violation::new(file, MAX_LINES, rule)]
}

fn homes(file: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for Homed {
        wanted,
        place,
        rule,
    } in HOMES
    {
        let at_home = match place {
            Place::Only(homes) => homes.iter().any(|home| file.name.starts_with(home)),
            Place::NeverIn(rooms) => !file.room().is_some_and(|room| rooms.contains(&room)),
        };
        if at_home {
            continue;
        }
        let (what, lines) = sightings(file, wanted);
        let rule = format!("{what}: {rule}");
        found.extend(
            lines
                .into_iter()
                .map(|line| Violation::new(file, line, rule.clone())),
        );
    }
    found
}

/// What was looked for, in words, and the lines outside tests on which it stands.
fn sightings(file: &Source, wanted: &Wanted) -> (String, Vec<usize>) {
    match wanted {
        Wanted::PathFrom(start) => {
            let hits = file
                .paths
                .iter()
                .filter(|path| !path.in_test && path.starts_with(start));
            (start.join("::"), hits.map(|path| path.line).collect())
        }
        Wanted::Word(word) => {
            let hits = file
                .tokens
                .iter()
                .filter(|token| !token.in_test && token.text == *word);
            ((*word).to_owned(), hits.map(|token| token.line).collect())
        }
        Wanted::Text(text) => {
            let holds = |literal: &str| literal.to_ascii_lowercase().contains(text);
            let hits = file.strings.iter().filter(|s| !s.in_test && holds(&s.text));
            (format!("{text:?}"), hits.map(|s| s.line).collect())
        }
    }
}

fn strangers(file: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (room, mine, other) in STRANGERS {
        if !file.name.starts_with(&format!("src/{room}/{mine}")) {
            continue;
        }
        let rule = format!("{room}::{mine} and {room}::{other} do not know each other");
        let hits = file.tokens.iter().filter(|token| token.text == *other);
        found.extend(hits.map(|token| Violation::new(file, token.line, rule.clone())));
    }
    found
}

/// Holds every source file against one rule.
fn check_tree(rule: fn(&Source) -> Vec<Violation>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(
        files.len() > 10,
        "only {} sources below {}",
        files.len(),
        root.display()
    );
    let mut lines = Vec::new();
    for path in files {
        let name = path
            .strip_prefix(root)
            .expect("it was found below the root");
        let text = fs::read_to_string(&path).expect("a source file is readable text");
        let source = Source::parse(&name.to_string_lossy().replace('\\', "/"), &text);
        lines.extend(rule(&source).iter().map(ToString::to_string));
    }
    assert!(
        lines.is_empty(),
        "the import law is broken:\n{}",
        lines.join("\n")
    );
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}
